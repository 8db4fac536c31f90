// Package shell reads what a script does from its syntax tree.
//
// Nothing is executed and nothing is matched by regular expression: the script
// is parsed with mvdan.cc/sh and then interpreted abstractly. Assignments with
// known values, the usual ways to find the script's own folder, functions,
// loops over literal lists and wrappers such as sudo or sh -c are followed;
// whatever cannot be known statically is said to be unknown, never guessed.
//
// The package does no I/O of its own. Files come through a function given by
// the caller, so a build context on a daemon, a folder and a test's map are
// all the same to it. The result is plain data and is the same for the same
// input.
//
// [Parse] reads one script by itself. [Load] reads a script together with the
// helpers that it sources, and lists the scripts that it runs as children.
package shell
