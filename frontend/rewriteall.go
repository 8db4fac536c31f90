//go:build rewriteall

package frontend

// rewriteAll has each Dockerfile rewritten that copies from the context, whether
// or not that changes it: test/conformance asks whether the rewritten one is as good.
const rewriteAll = true
