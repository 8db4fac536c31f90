package dockerfile

// Mentions reports whether expanding the text, as BuildKit does it for an
// instruction, would read a variable.
func (s Scope) Mentions(text, name string) bool { return s.inner.mentions(text, name) }
