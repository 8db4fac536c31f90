// Package shell says what a script does: which programs it calls, which files and
// variables it reads, which scripts it runs. It is plain data, and the questions
// that can be asked of it. Package interp reads it from a script's syntax tree.
package shell
