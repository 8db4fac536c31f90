package scaffold

import (
	"fmt"
	"strings"
)

// readme is the page that describes the examples' images.
const readme = "https://github.com/pgstrata/pgstrata/blob/main/examples/postgresql/README.md"

// rewording is a sentence of the examples that would not be true in a tree made of them.
type rewording struct {
	file     string
	old, new string
}

// alwaysReworded are those that name a file which stays behind.
func alwaysReworded() []rewording {
	return []rewording{
		{
			"entrypoint.d/scripts/utils/settings.sh",
			"is told nothing. README.md explains each\n# variable. Sourced by whatever has to agree on them:",
			"is told nothing. Each variable is explained in\n# " + readme + ".\n#\n# Sourced by whatever has to agree on them:",
		},
		{"test/smoke.sh", "answer, refuse and stop as README.md says.", "answer, refuse and stop."},
	}
}

// rewordedWithoutPatroni are those that speak of Patroni among other things.
func rewordedWithoutPatroni() []rewording {
	return []rewording{
		{"config/postgresql.conf", "defaults, for a single server and for Patroni's alike.", "defaults."},
		{"entrypoint.d/entrypoint.sh", "#   USE_PATRONI=true   a node of a Patroni cluster\n", ""},
		{"entrypoint.d/entrypoint.sh", "#   none of them       a single PostgreSQL server", "#   none of them       a PostgreSQL server"},
		{"entrypoint.d/entrypoint.sh", "(psql, patronictl, bash)", "(psql, bash)"},
		{
			"entrypoint.d/scripts/runtime/shutdown.sh",
			"# stop_orphan: Patroni leaves its server running when it crashes, and when the cluster is paused; and somebody may have\n# started one by hand.",
			"# stop_orphan: somebody may have started a server by hand.",
		},
		{"entrypoint.d/scripts/utils/settings.sh", "the entrypoint, the health check, Patroni's hooks.", "the entrypoint and the health check."},
		{"entrypoint.d/scripts/utils/settings.sh", "maintenance, patroni or postgresql.", "maintenance or postgresql."},
		{"test/smoke.sh", "without passwords, or without etcd", "without passwords"},
		{buildFile, "licenses: PostgreSQL AND MIT", "licenses: PostgreSQL"},
		{buildFile, "expose: [5432, 8008]", "expose: [5432]"},
	}
}

// reword changes the sentences. One that is not there once is an error: the example has been edited.
func reword(files []File, list []rewording) error {
	for _, r := range list {
		found := 0
		for i := range files {
			if f := &files[i]; f.Name == r.file {
				found += strings.Count(f.Text, r.old)
				f.Text = strings.Replace(f.Text, r.old, r.new, 1)
			}
		}
		if found != 1 {
			return fmt.Errorf("the example's %s says %d times, not once: %q", r.file, found, r.old)
		}
	}
	return nil
}
