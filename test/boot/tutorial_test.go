package boot

import (
	"testing"

	"github.com/pgstrata/pgstrata/test/internal/console"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// Every command of the tutorial prints what the tutorial shows.
func TestTutorial(t *testing.T) {
	env := testenv.Shared(t)
	path := console.Program(t, testenv.Program(t, "pgstrata"))
	console.Run(t, "../../docs/tutorial.md", console.Session{
		Dir: testenv.Example(t, "dockerfile"),
		Env: append(env.Command(t, "true").Env,
			"DOCKER_HOST="+env.Docker(t).Host, "PATH="+path, "XDG_CACHE_HOME="+t.TempDir(), "LC_ALL=C"),
		Names: []string{"localhost:5000/pgstrata:dev", env.Frontend(t), "localhost:5000", env.Registry.Host},
	})
}
