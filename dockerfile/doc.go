// Package dockerfile reads a Dockerfile with its build context, and arranges it so
// that each setup script is a step of its own that sees only what it needs.
//
// The layout is printed as a Dockerfile, so BuildKit's own frontend builds it, and
// everything that a Dockerfile means keeps its meaning. Only what is proven from
// the syntax trees of the scripts is arranged anew; all else stays as it is.
package dockerfile
