package graph

// CachesOf returns the names, as `caches:` has them, of the caches that commands
// call for; sorted.
func CachesOf(commands []string) []string { return toolsOf(commands) }
