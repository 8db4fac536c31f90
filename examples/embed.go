// Package examples holds the example trees, for `pgstrata init` to start from.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed all:postgresql all:postgresql-source
var files embed.FS

// Files returns the folders beside this file that hold an example each. Modes are not kept.
func Files() fs.FS { return files }
