//go:build !rewriteall

package frontend

// rewriteAll is off: a Dockerfile that rewriting leaves as it is goes to BuildKit's own frontend.
const rewriteAll = false
