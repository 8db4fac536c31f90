// Package programs knows what programs read and write: their arguments, their
// working directory, fixed places, and the environment.
//
// The tables are closed and the world is open: a program that stands in no table
// may read every file and every variable. To teach pgstrata a program, add its
// name to a table here; nothing else names programs for these questions.
package programs
