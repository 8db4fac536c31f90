// Package narrow lets a step see no more of the build context than it was observed
// to read, so that it is found in the cache whatever else has changed there.
//
// It works on a build's definition, so that a step is what the daemon runs, and
// everything that a Dockerfile means keeps its meaning. A step whose record still
// holds runs on the files of its record; what it changes is laid on all files that
// the Dockerfile copies. Any other runs as it is written.
package narrow
