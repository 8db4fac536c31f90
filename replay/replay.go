// Package replay asks of a git history what its commits would have built again.
//
// A [Series] is what one way of building, a contender, was made from at each
// commit. [New] compares each commit with the one before it, as a daemon would
// that has built them all, and counts. Nothing is built, and no daemon asked.
package replay

import (
	"cmp"
	"path"
	"slices"
	"time"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
)

// Commit is one commit of the history.
type Commit struct {
	ID string `json:"commit"`
	// Parents are the commits that it was made on, the first of them first.
	Parents []string  `json:"-"`
	Time    time.Time `json:"time"`
	Subject string    `json:"subject"`
	// Changed are the context's files that it changed, by the names that they
	// have in the newest commit, or had last; Deleted are those among them that
	// it deleted.
	Changed []string `json:"-"`
	Deleted []string `json:"-"`
	// Names are the names in the newest commit of files that have another one
	// in this commit.
	Names map[string]string `json:"-"`
	// Renamed tells that it renamed files.
	Renamed bool `json:"-"`
}

// Newest is the name that a file of the commit has in the newest one.
func (c *Commit) Newest(name string) string {
	if n, ok := c.Names[name]; ok {
		return n
	}
	return name
}

// Snapshot is what a build of one commit would be made from.
type Snapshot struct {
	Record *plan.Record
	// Files names all that the build can be made from: two commits with one name are
	// one build.
	Files string
	// Err is why there is no record: the commit has no build file, say.
	Err error
}

// Series is one contender: a way of building, at each commit.
type Series struct {
	// Name is what the report calls it.
	Name string
	// Snapshots has one for each commit, and in front of them the one of the
	// commit before the first.
	Snapshots []Snapshot
}

// newest is the record of the newest commit that has one, or nil.
func (s *Series) newest() *plan.Record {
	for _, r := range slices.Backward(s.Snapshots) {
		if r.Record != nil {
			return r.Record
		}
	}
	return nil
}

// Report is what a history comes to.
type Report struct {
	// From and To are the first commit and the last.
	From Commit `json:"from"`
	To   Commit `json:"to"`
	// BuildFile is the build file's name.
	BuildFile string `json:"build_file,omitempty"`
	// FirstParent tells that merges stand for the commits of their branches.
	FirstParent bool `json:"first_parent,omitempty"`
	// Commits is how many there are, Renames how many of them renamed files.
	Commits int `json:"commits"`
	Renames int `json:"renames"`
	// Contenders has the ways of building, the build file's own first.
	Contenders []*Contender `json:"contenders"`
	// Files are those of the newest commit, by how often they changed.
	Files []File `json:"files"`
	// Advice is what would have saved most, first; filled by the caller.
	Advice []Advice `json:"advice"`
	// Notes say what was not looked for.
	Notes []string `json:"notes,omitempty"`
}

// Contender is what one way of building comes to.
type Contender struct {
	Name string `json:"name"`
	// Untouched is how many commits changed nothing that a build can be made from.
	// They are in no other number.
	Untouched int `json:"untouched"`
	// Compared is how many of the others could be compared with one before.
	Compared int `json:"compared"`
	// None, One and More count these: no step of setup runs; one setup script
	// changed; more changed than one script, or something all of them run on.
	None int `json:"none"`
	One  int `json:"one"`
	More int `json:"more"`
	// Ran is how many steps of setup run in all of them together, Perhaps how
	// many more if steps before them make other files; Steps is how many there
	// are, as if each commit had built everything.
	Ran     int `json:"ran"`
	Perhaps int `json:"perhaps"`
	Steps   int `json:"steps"`
	// Instructions is Ran in instructions of a Dockerfile: a step that is a part of
	// one counts for its share. By it contenders can be compared that divide
	// instructions into differing steps.
	Instructions float64 `json:"instructions"`
	// Seconds and AllSeconds are the same as times, by what was measured of the
	// newest commit's steps; 0 where nothing was.
	Seconds    float64 `json:"seconds,omitempty"`
	AllSeconds float64 `json:"all_seconds,omitempty"`
	// Unread are the commits that have no record.
	Unread []Unread `json:"unread,omitempty"`
	// Causes are what made setup run, most often first.
	Causes []Cause `json:"causes,omitempty"`
	// Outcomes has each commit that was compared.
	Outcomes []Outcome `json:"outcomes"`

	scripts bool // its setup scripts are steps of their own
}

// Unread is a commit that cannot be built.
type Unread struct {
	Commit Commit `json:"commit"`
	Error  string `json:"error"`
}

// Cause is one reason for which setup ran.
type Cause struct {
	// Kind and Name are those of the part that changed: arg POSTGRESQL_VERSION.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Commits is how many had it, Ran how many steps of setup ran in them.
	Commits int `json:"commits"`
	Ran     int `json:"ran"`
}

// Outcome is what a build of one commit runs, after one of the commit before.
type Outcome struct {
	Commit Commit `json:"commit"`
	// Scripts are the setup scripts that changed, by their paths at the time.
	Scripts []string `json:"scripts,omitempty"`
	// Ran and Perhaps are steps of setup: those that run, and those that run if
	// what they are made from changes. Steps is how many there are.
	Ran     []string `json:"ran,omitempty"`
	Perhaps []string `json:"perhaps,omitempty"`
	Steps   int      `json:"steps"`
	// Instructions is Ran in instructions of a Dockerfile; see Contender.
	Instructions float64 `json:"instructions"`
	// Below are the entrypoint layers that are made again.
	Below []string `json:"entrypoint,omitempty"`

	causes  []plan.Cause
	base    bool     // something that all scripts run on has changed
	present []string // all scripts, by their paths at the time
}

// File is how often one file changed.
type File struct {
	Path string `json:"path"`
	// Changes is how many commits changed it.
	Changes int `json:"changes"`
	// Nodes are the steps that it counts for.
	Nodes []string `json:"nodes,omitempty"`
}

// New replays a history. Each series has one reading more than there are commits.
func New(commits []Commit, series ...Series) *Report {
	r := &Report{Commits: len(commits)}
	if len(commits) > 0 {
		r.From, r.To = commits[0], commits[len(commits)-1]
	}
	for _, c := range commits {
		if c.Renamed {
			r.Renames++
		}
	}
	for _, s := range series {
		r.Contenders = append(r.Contenders, contend(commits, s))
	}
	if len(series) > 0 {
		newest := series[0].newest()
		r.Files = files(commits, newest)
		if newest != nil {
			r.BuildFile = newest.File
		}
	}
	return r
}

// contend replays one series.
func contend(commits []Commit, s Series) *Contender {
	c := &Contender{Name: s.Name}
	var took map[string]time.Duration
	if newest := s.newest(); newest != nil {
		took = newest.Took
	}
	past := built{commits: map[string]*plan.Record{}, files: map[string]string{}}
	first := "" // what the first commit was made on
	if len(commits) > 0 && len(commits[0].Parents) > 0 {
		first = commits[0].Parents[0]
	}
	past.add(first, nil, &s.Snapshots[0])
	for i, commit := range commits {
		reading := &s.Snapshots[i+1]
		switch before := past.before(commit); {
		case reading.Record == nil:
			c.Unread = append(c.Unread, Unread{commit, reading.Err.Error()})
		case past.untouched(commit, reading):
			c.Untouched++
		case before != nil:
			c.add(outcome(commit, before, reading.Record), took, reading.Record)
		}
		past.add(commit.ID, commit.Parents, reading)
	}
	slices.SortStableFunc(c.Causes, func(a, b Cause) int {
		return cmp.Or(b.Commits-a.Commits, b.Ran-a.Ran, cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return c
}

// built is what a daemon has built so far.
type built struct {
	// commits are the records by their commits: of one that has none, its parent's.
	commits map[string]*plan.Record
	// files are the names of what they were made from.
	files map[string]string
	// last is the record of the last build, which knows those before it.
	last *plan.Record
}

// before is the record that a commit is compared with: its parent's, or the last.
func (b *built) before(c Commit) *plan.Record {
	if len(c.Parents) > 0 && b.commits[c.Parents[0]] != nil {
		record := *b.commits[c.Parents[0]]
		record.Seen = nil
		record.Carry(b.last)
		return &record
	}
	return b.last
}

// untouched tells whether a commit has the files of one that it was made on.
func (b *built) untouched(c Commit, s *Snapshot) bool {
	return s.Files != "" && slices.ContainsFunc(c.Parents, func(id string) bool { return b.files[id] == s.Files })
}

// add adds a commit.
func (b *built) add(id string, parents []string, s *Snapshot) {
	if s.Record == nil {
		if len(parents) > 0 {
			b.commits[id] = b.commits[parents[0]]
		}
		return
	}
	b.commits[id], b.files[id] = s.Record, s.Files
	record := *s.Record // its keys of earlier builds are this replay's
	record.Seen = nil
	record.Carry(b.last)
	b.last = &record
}

// outcome compares one commit with the one before.
func outcome(commit Commit, before, after *plan.Record) Outcome {
	o := Outcome{Commit: commit}
	p := plan.Compare(before, after)
	share := shares(after)
	for i := range after.Nodes {
		if n := &after.Nodes[i]; n.Kind == plan.KindScript {
			o.present = append(o.present, script(n))
		}
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		slow := (s.State == graph.ToolchainState || s.State == graph.SetupState) && s.Kind != plan.KindModes
		if slow && s.Vertex != "" && s.Kind != plan.KindOutputs {
			o.Steps++
		}
		switch {
		case s.Cache == plan.Hit || s.Slight():
			continue
		case s.State == graph.EntrypointState:
			o.Below = append(o.Below, s.Node)
			continue
		case s.Kind == plan.KindBase:
			o.base = true
			o.causes = append(o.causes, own(s)...)
			continue
		case !slow || s.Vertex == "" || s.Kind == plan.KindOutputs:
			continue
		case s.Cache == plan.Conditional:
			o.Perhaps = append(o.Perhaps, s.Node)
			continue
		}
		o.Ran = append(o.Ran, s.Node)
		o.Instructions += share(s.Node)
		causes := own(s)
		o.causes = append(o.causes, causes...)
		switch {
		case len(causes) == 0:
		case s.Kind == plan.KindScript:
			o.Scripts = append(o.Scripts, script(after.Node(s.Node)))
		case s.State == graph.ToolchainState:
			o.base = true
		}
	}
	return o
}

// shares tells what part of its instruction a node is: the steps of one line share
// it, and what puts their layers together is none of them.
func shares(r *plan.Record) func(node string) float64 {
	counts := map[int]int{}
	counted := func(n *plan.Node) bool {
		return n.Vertex != "" && n.Kind != plan.KindSquash && n.Kind != plan.KindOutputs
	}
	for i := range r.Nodes {
		if n := &r.Nodes[i]; counted(n) && n.State == graph.SetupState {
			counts[n.Line]++
		}
	}
	return func(node string) float64 {
		n := r.Node(node)
		switch {
		case !counted(n):
			return 0
		case n.Line == 0:
			return 1
		}
		return 1 / float64(max(counts[n.Line], 1))
	}
}

// own are the causes of a step that are no other step's.
func own(s *plan.Step) []plan.Cause {
	return slices.DeleteFunc(slices.Clone(s.Causes), func(c plan.Cause) bool { return c.Node != "" })
}

// script is the path of a node's script: the file among its parts that has the
// node's name.
func script(n *plan.Node) string {
	for _, p := range n.Parts {
		if p.Kind == "file" && path.Base(p.Name) == n.Title {
			return p.Name
		}
	}
	return n.Title
}

// add counts an outcome.
func (c *Contender) add(o Outcome, took map[string]time.Duration, record *plan.Record) {
	c.Compared++
	c.scripts = c.scripts || len(o.present) > 0
	c.Ran += len(o.Ran)
	c.Perhaps += len(o.Perhaps)
	c.Instructions += o.Instructions
	c.Steps += o.Steps
	switch {
	case len(o.Ran)+len(o.Perhaps) == 0:
		c.None++
	case len(o.Scripts) == 1 && !o.base:
		c.One++
	default:
		c.More++
	}
	for _, node := range o.Ran {
		c.Seconds += took[node].Seconds()
	}
	for i := range record.Nodes {
		if n := &record.Nodes[i]; n.State == graph.ToolchainState || n.State == graph.SetupState {
			c.AllSeconds += took[n.ID].Seconds()
		}
	}
	seen := map[string]bool{}
	for _, cause := range o.causes {
		key := cause.Kind + "\x00" + cause.Name
		if seen[key] {
			continue
		}
		seen[key] = true
		i := slices.IndexFunc(c.Causes, func(x Cause) bool { return x.Kind == cause.Kind && x.Name == cause.Name })
		if i < 0 {
			i = len(c.Causes)
			c.Causes = append(c.Causes, Cause{Kind: cause.Kind, Name: cause.Name})
		}
		c.Causes[i].Commits++
		c.Causes[i].Ran += len(o.Ran)
	}
	c.Outcomes = append(c.Outcomes, o)
}
