package migrate

// propose adds to scripts whose outputs can be told what would isolate them.
func (m *migration) propose() {}
