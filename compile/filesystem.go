package compile

import (
	"fmt"
	"os"
	"time"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// filesystem lays the build file's directories, links and small files on a root:
// a layer that depends on the root's directories, and on nothing else of it.
func (c *compiler) filesystem(root State) State {
	if len(c.graph.Filesystem) == 0 {
		return root
	}
	var words []string
	for _, e := range c.graph.Filesystem {
		kind := e.Kind
		if e.Keep {
			kind = "missing"
		}
		switch e.Kind {
		case "directory":
			words = append(words, kind, e.Path, fmt.Sprintf("%d:%d", e.UID, e.GID), fmt.Sprintf("%04o", e.Mode))
		case "link":
			words = append(words, e.Kind, e.Path, e.To, "")
		default:
			words = append(words, e.Kind, e.Path, "", "")
		}
	}
	at := c.at(c.graph.Filesystem[0].At)
	fresh := c.fresh(graph.SetupState)
	outline := c.outline(root.State, "filesystem", words, c.vertex(Vertex{
		Node: graph.SetupState + "/filesystem/directories", Kind: "directories", Title: "directories of setup.filesystem",
	}, "internal", "directories of setup.filesystem"), at, fresh)
	action := llb.Copy(outline, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
	created := llb.WithCreatedTime(time.Unix(setupEpoch, 0)) // no time of its own would tell the day of the build
	for _, e := range c.graph.Filesystem {
		if e.Kind == "file" {
			action = action.Mkfile(e.Path, os.FileMode(e.Mode), []byte(e.Text), llb.WithUser(fmt.Sprintf("%d:%d", e.UID, e.GID)), created)
		}
	}
	what := "filesystem (" + count(len(c.graph.Filesystem), "path") + ")"
	st := llb.Scratch().File(action, c.vertex(Vertex{Node: graph.SetupState + "/filesystem", Kind: "files", Title: "filesystem"}, graph.SetupState, what), at, fresh)
	return c.merge(root, emptyState().layer(st, "setup: "+what))
}
