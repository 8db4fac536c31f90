package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// Mode is how much is measured.
type Mode struct {
	Name string
	Tree string // a folder of testdata
	// Versions are what arguments are set to, besides their default.
	Versions []string
	// Times is how often a build is measured at most; one that takes long is measured less often, so that all of a cell's
	// builds take about Patience, or one build.
	Times    int
	Patience time.Duration
	// Enough is when rows that are left are left out: a run has to end.
	Enough time.Duration
	// Only are the contenders, and OnlyRows the rows; nil for all.
	Only, OnlyRows []string
}

// Modes are what BENCH can be: full is the default.
func Modes() map[string]Mode {
	return map[string]Mode{
		"full": {Name: "full", Tree: "full", Versions: []string{"trixie"}, Times: 9, Patience: 12 * time.Second, Enough: 70 * time.Minute},
		"observed": {
			Name: "observed", Tree: "quick", Versions: []string{"2", "3", "4"}, Times: 3, Patience: 4 * time.Second, Enough: 9 * time.Minute,
			Only: []string{Best, Pgstrata, Chain, Observed}, OnlyRows: []string{Cold, Nothing, "PgBouncer version bumped", "first setup script edited", "last setup script edited"},
		},
		"profile": {
			Name: "profile", Tree: "quick", Versions: []string{"2"}, Times: 9, Patience: 12 * time.Second, Enough: 9 * time.Minute,
			Only: []string{Best, Rival, Pgstrata, Direct}, OnlyRows: []string{Cold, Nothing, Entrypoint},
		},
		"quick": {Name: "quick", Tree: "quick", Versions: []string{"2", "3", "4"}, Times: 5, Patience: 6 * time.Second, Enough: 25 * time.Minute},
	}
}

// Runner measures all contenders.
type Runner struct {
	TB   testing.TB
	Mode Mode
	// Say tells of the progress.
	Say func(format string, args ...any)
	// Saved is called after each row, so that a run that is broken off has not been for nothing.
	Saved func(*Results) error

	racers []*racer
	start  time.Time
}

// racer is a contender at work.
type racer struct {
	Contender
	env    *testenv.Env
	dir    string // its tree
	layers map[v1.Hash]bool
	base   v1.Image
	dead   error // why it builds no more
	// program is pgstrata's, where it builds.
	program string
}

// Run measures all rows, and then the frontends alone.
func (r *Runner) Run() (*Results, error) {
	r.start = time.Now()
	machine, err := r.machine()
	if err != nil {
		return nil, err
	}
	results := &Results{Date: now(), Mode: r.Mode.Name, Machine: machine}
	var floors []*racer
	for _, c := range Floors() {
		floors = append(floors, r.enter(c))
	}
	for _, c := range Contenders() {
		if r.Mode.Only != nil && !slices.Contains(r.Mode.Only, c.Key) {
			continue
		}
		r.racers = append(r.racers, r.enter(c))
		results.Contenders = append(results.Contenders, c.Key)
	}
	for _, row := range Rows(r.Mode.Versions) {
		if r.Mode.OnlyRows != nil && !slices.Contains(r.Mode.OnlyRows, row.Name) {
			continue
		}
		racers := slices.Clone(r.racers)
		for _, floor := range floors {
			if slices.Contains(row.Floors, floor.Key) {
				racers = append(racers, floor)
			}
		}
		cells := r.row(row, racers)
		if row.Name == Cold {
			if err := r.finish(floors); err != nil {
				return nil, err
			}
		}
		results.Rows = append(results.Rows, RowResult{Name: row.Name, Cells: cells})
		if err := r.Saved(results); err != nil {
			return nil, err
		}
	}
	if r.Mode.Only == nil {
		if results.Overhead, err = r.overhead(); err != nil {
			return nil, err
		}
	}
	results.Machine.LoadAtEnd = loadAverage()
	results.Minutes = time.Since(r.start).Minutes()
	return results, r.Saved(results)
}

// enter gives a contender a daemon, a registry and a tree of its own.
func (r *Runner) enter(c Contender) *racer {
	r.TB.Helper()
	env := testenv.New(r.TB)
	racer := &racer{Contender: c, env: env, dir: tree(r.TB, r.Mode.Tree), layers: map[v1.Hash]bool{}}
	switch c.Frontend {
	case frontendProcess:
		env.Frontend(r.TB)
	case floorProcess:
		pushFrontend(r.TB, env, floorImage, "./test/bench/floor")
	case dockerProcess:
		pushFrontend(r.TB, env, rivalImage, "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend")
	}
	if c.Direct {
		racer.program = testenv.Program(r.TB, "pgstrata")
	}
	racer.base = pinBase(r.TB, env)
	if c.Unannotated {
		racer.dead = unannotate(racer.dir)
	}
	if c.Observed && racer.dead == nil {
		racer.dead = racer.observe(r.TB)
	}
	if racer.dead != nil {
		r.Say("%s: %v", c.Name, racer.dead)
	}
	return racer
}

// finish gives the floors the image that pgstrata has built.
func (r *Runner) finish(floors []*racer) error {
	i := slices.IndexFunc(r.racers, func(racer *racer) bool { return racer.Key == Pgstrata })
	if r.racers[i].dead != nil {
		return r.racers[i].dead
	}
	img, err := r.racers[i].env.Registry.Get(Pgstrata)
	if err != nil {
		return err
	}
	for _, floor := range floors {
		if err := floor.env.Registry.Push(finished, img); err != nil {
			return err
		}
	}
	return nil
}

// row measures one row: all contenders in turns, until each has been measured often enough.
func (r *Runner) row(row Row, racers []*racer) map[string]Cell {
	cells := map[string]Cell{}
	profiles := map[string][]map[Phase]float64{}
	var running []*racer
	for _, racer := range racers {
		switch {
		case racer.dead != nil:
			cells[racer.Key] = Cell{Error: "its cold build failed"}
		case racer.Whole && row.Like != "":
			cells[racer.Key] = Cell{Like: row.Like}
		case time.Since(r.start) > r.Mode.Enough:
			cells[racer.Key] = Cell{Error: "no time was left"}
		default:
			running = append(running, racer)
		}
	}
	for n := 0; len(running) > 0; n++ {
		var again []*racer
		for i := range running {
			racer := running[(i+n)%len(running)] // who goes first has no advantage
			cell := cells[racer.Key]
			s, err := r.build(row, racer, n)
			if err != nil {
				r.Say("%s: %s: %v", row.Name, racer.Name, err)
				cell.Error = "failed"
				if row.Name == Cold {
					racer.dead = err
				}
				cells[racer.Key] = cell
				continue
			}
			cell.add(s, racer.layers)
			if row.Profiled {
				spans, err := lastTrace(r.TB.Context(), racer.env.Daemon.Client)
				if err != nil {
					r.Say("%s: %s: what it waited for: %v", row.Name, racer.Name, err)
				}
				profiles[racer.Key] = append(profiles[racer.Key], profile(spans))
				cell.Phases = median(profiles[racer.Key])
			}
			cells[racer.Key] = cell
			r.Say("%s: %s: %.2f s, %d ran, %d cached", row.Name, racer.Name, s.seconds, cell.Ran, cell.Cached)
			if r.again(row, cell) {
				again = append(again, racer)
			}
		}
		running = again
	}
	if row.Times == 0 && !row.Imported {
		r.memory(row, racers, cells)
	}
	return cells
}

// again tells whether a cell wants another measurement.
func (r *Runner) again(row Row, cell Cell) bool {
	n := len(cell.Seconds)
	if n >= r.Mode.Times || row.Times > 0 && n >= row.Times {
		return false
	}
	took := time.Duration(Median(cell.Seconds) * float64(time.Second))
	return time.Duration(n+1)*took <= r.Mode.Patience
}

// build does what the row says, for the nth time, and builds.
func (r *Runner) build(row Row, racer *racer, n int) (*sample, error) {
	var args []string
	if row.Edit != nil {
		if err := row.Edit(racer.dir, n); err != nil {
			return nil, err
		}
	}
	if row.Args != nil {
		args = row.Args(n)
	}
	if row.Rebase {
		if err := racer.rebase(n); err != nil {
			return nil, err
		}
	}
	if row.Imported {
		cache := "type=registry,ref=" + racer.env.Registry.Ref("cache")
		if n == 0 { // later the daemon has only what it imported
			if _, err := racer.build(r.TB, "--cache-to="+cache+",mode=max"); err != nil {
				return nil, err
			}
		}
		if err := racer.env.Daemon.Client.Prune(r.TB.Context(), nil, client.PruneAll); err != nil {
			return nil, err
		}
		args = append(args, "--cache-from="+cache)
	}
	return racer.build(r.TB, args...)
}

func (r *racer) build(tb testing.TB, args ...string) (*sample, error) {
	tb.Helper()
	program, flags := "docker", []string{"buildx", "build"}
	if r.Direct {
		program, flags = r.program, []string{"build"}
	}
	flags = append(flags, "--progress=rawjson", "--push", "--tag", r.env.Registry.Ref(r.Key), "--file", r.File)
	cmd := r.env.Command(tb, program, slices.Concat(flags, r.Args, args, []string{"."})...)
	cmd.Dir = r.dir
	return run(tb, cmd, r.env.Registry, r.Key)
}

// memory builds once more where that is quick, unmeasured, and looks at the frontend's process meanwhile.
func (r *Runner) memory(row Row, racers []*racer, cells map[string]Cell) {
	for _, racer := range racers {
		cell := cells[racer.Key]
		if racer.Frontend == "" || len(cell.Seconds) == 0 || Median(cell.Seconds) > r.Mode.Patience.Seconds() {
			continue
		}
		ctx, stop := context.WithCancel(r.TB.Context())
		found := make(chan int64)
		go func() { found <- peak(ctx, racer.Frontend, filepath.Dir(racer.env.Daemon.Address[len("unix://"):])) }()
		s, err := r.build(row, racer, len(cell.Seconds))
		stop()
		cell.Memory = <-found
		if err != nil {
			r.Say("%s: %s: %v", row.Name, racer.Name, err)
			cell.Error = "failed"
		} else { // known from now on
			seconds := cell.Seconds
			cell.add(s, racer.layers)
			cell.Seconds = seconds
		}
		cells[racer.Key] = cell
	}
}

// machine describes what is measured, and where.
func (r *Runner) machine() (Machine, error) {
	m := ThisMachine()
	binary, err := os.Stat(testenv.Program(r.TB, frontendProcess))
	if err != nil {
		return m, err
	}
	m.FrontendMB = float64(binary.Size()) / 1e6
	info, err := testenv.Shared(r.TB).Daemon.Client.Info(r.TB.Context())
	if err != nil {
		return m, err
	}
	m.BuildKit = info.BuildkitVersion.Version
	return m, nil
}
