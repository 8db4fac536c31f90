package programs

// EveryProgramReads are the variables of the lists for which any program may do
// something else.
func EveryProgramReads() []string { return append(searched(), steering()...) }
