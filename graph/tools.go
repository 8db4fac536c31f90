package graph

import "github.com/pgstrata/pgstrata/cache"

// CachesOf returns the names, as `caches:` has them, of the caches that commands
// call for; sorted.
func CachesOf(commands []string) []string { return cache.ToolsOf(commands) }
