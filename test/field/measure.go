package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/migrate"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/worktree"
)

// measure is what comes of one Dockerfile.
type measure struct {
	buildFile
	// Error is why it cannot be read; nothing else is set then.
	Error string `json:"error,omitempty"`
	// Findings are those of the rules and of BuildKit's checks.
	Findings []finding `json:"findings"`
	// Steps is how many a build has, Whole how many with BuildKit's frontend.
	Steps int `json:"steps"`
	Whole int `json:"whole"`
	// Caches is how many steps get cache mounts.
	Caches int `json:"caches"`
	// Decisions are what a build prints, by line.
	Decisions []decision `json:"decisions,omitempty"`
	// Migrated is what became of it.
	Migrated migrated `json:"migrated"`
	// Seconds is what all this took.
	Seconds float64 `json:"seconds"`
}

// decision is what becomes of an instruction.
type decision struct {
	Line int                     `json:"line"`
	Kind dockerfile.DecisionKind `json:"kind"`
	Text string                  `json:"text"`
}

// finding is one finding, as far as it can be compared.
type finding struct {
	Rule     string         `json:"rule"`
	Severity check.Severity `json:"severity"`
	File     string         `json:"file"`
	Line     int            `json:"line"`
	Message  string         `json:"message"`
}

// migrated is what migrate makes of a Dockerfile.
type migrated struct {
	// Error is why it makes nothing, Refused why pgstrata refuses what it makes.
	Error   string `json:"error,omitempty"`
	Refused string `json:"refused,omitempty"`
	// Lost is how many lines could not be carried over.
	Lost int `json:"lost"`
	// Why says why, for each of these lines.
	Why []string `json:"why,omitempty"`
	// New are findings of rules that found nothing in the Dockerfile.
	New []finding `json:"new,omitempty"`
}

// take measures a Dockerfile. A panic is an error like others.
func take(ctx context.Context, b buildFile) (m measure) {
	m.buildFile = b
	start := time.Now()
	defer func() {
		m.Seconds = time.Since(start).Seconds()
		if p := recover(); p != nil {
			m.Error = fmt.Sprintf("panic: %v", p)
		}
	}()
	build, err := b.offline()
	if err != nil {
		m.Error = err.Error()
		return m
	}
	found, _, err := build.CheckDockerfile(ctx)
	if err != nil {
		m.Error = err.Error()
		return m
	}
	m.Findings = findings(found)
	m.Steps, m.Whole = steps(build, false), steps(build, true)
	f, err := dockerfile.Parse(build.Name, build.Data)
	if err != nil {
		m.Error = err.Error()
		return m
	}
	files, err := build.Context(nil, nil)
	if err != nil {
		m.Error = err.Error()
		return m
	}
	opt := dockerfile.Options{Predefined: frontend.OwnArgs(nil), Context: files, Platform: "linux/amd64", Base: bases.Known}
	if rewritten, err := dockerfile.Rewrite(f, opt); err == nil { // the check would have said so
		for _, d := range rewritten.Decisions {
			m.Decisions = append(m.Decisions, decision(d))
		}
		for _, flags := range rewritten.Flags {
			if strings.Contains(flags, "type=cache") {
				m.Caches++
			}
		}
	}
	m.Migrated = m.migrate(f, opt)
	return m
}

// offline is a build without a daemon.
func (b buildFile) offline() (frontend.Offline, error) {
	name := filepath.Base(b.File)
	context, err := worktree.Dir(b.context())
	if err != nil {
		return frontend.Offline{}, err
	}
	beside, err := worktree.Dir(filepath.Dir(b.path()))
	if err != nil {
		return frontend.Offline{}, err
	}
	data, err := worktree.Read(beside, name)
	if err != nil {
		return frontend.Offline{}, err
	}
	exclude, err := worktree.Ignored(context, beside, name)
	return frontend.Offline{
		Name: name, Data: data, Exclude: exclude, Options: map[string]string{"filename": name}, Now: time.Now(),
		Context: func(globs, paths []string) (fs.FS, error) {
			return worktree.New(context, worktree.Filter{Exclude: exclude, Globs: globs, Paths: paths})
		},
	}, err
}

// steps counts what a build runs: setup's steps, and copies; 0 where that is not
// known.
func steps(build frontend.Offline, whole bool) int {
	build.Whole = whole
	list, err := build.Resolve()
	if err != nil {
		return 0
	}
	record, err := list[0].Record()
	if err != nil {
		return 0
	}
	n := 0
	for _, node := range record.Nodes {
		if node.Kind != plan.KindBase && node.Kind != plan.KindImage {
			n++
		}
	}
	return n
}

// migrate makes a build file, and checks it as pgstrata would read it.
func (m *measure) migrate(f *dockerfile.File, opt dockerfile.Options) (out migrated) {
	const name = "pgstrata.yaml"
	r, err := migrate.Migrate(f, migrate.Options{Dockerfile: opt, Name: name, Syntax: "localhost:5000/pgstrata:dev"})
	if err != nil {
		return migrated{Error: err.Error()}
	}
	for _, l := range r.Report.Lost() {
		out.Lost++
		out.Why = append(out.Why, fmt.Sprintf("%d: %s", l.Start, l.Reason()))
	}
	in, err := frontend.ReadTree(name, r.BuildFile, r.Context, nil)
	if err != nil {
		out.Refused = err.Error()
		return out
	}
	known := map[string]bool{}
	for _, f := range m.Findings {
		known[f.Rule] = true
		known["SecretInArg"] = known["SecretInArg"] || f.Rule == "SecretsUsedInArgOrEnv" // which says the same
	}
	for _, f := range findings(rules.Run(in)) {
		if !known[f.Rule] {
			out.New = append(out.New, f)
		}
	}
	return out
}

func findings(list []check.Finding) []finding {
	out := []finding{}
	for _, f := range list {
		out = append(out, finding{f.Rule, f.Severity, f.File, f.Range.Start.Line, f.Message})
	}
	return out
}

// kind is a decision without what is particular to it, so that decisions can be
// counted.
func kind(text string) string {
	text, _, _ = strings.Cut(text, "; to split it, ")
	var out []string
	for word := range strings.FieldsSeq(text) {
		if strings.ContainsAny(word, `/.0123456789"`) { // a path, a number, a name
			word = "…"
		}
		if len(out) == 0 || word != "…" || out[len(out)-1] != word {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}
