package picture

import "github.com/pgstrata/pgstrata/plan"

// state is how a node is drawn: a cache state, or what only a build that ran
// can know.
type state string

const (
	unknown     = state(plan.Unknown)
	hit         = state(plan.Hit)
	miss        = state(plan.Miss)
	invalidated = state(plan.Invalidated)
	conditional = state(plan.Conditional)
	failed      = state("failed")
	unreached   = state("not reached")
	ran         = state("ran") // of a vertex that is no node
)

// Class is the state's name in styles.
func (s state) Class() string {
	if s == unreached {
		return "unreached"
	}
	return string(s)
}

// drawing is a build as the templates need it.
type drawing struct {
	// ID is a prefix of all ids, for pages of several drawings.
	ID string
	// Styled tells that the drawing stands alone, with its own styles.
	Styled   bool
	Title    string
	Platform string
	// About is the line below the title.
	About         string
	Width, Height int
	Strips        []stripView
	Gate          *gateView
	Lines         []lineView
	Heads         []string
	Nodes         []*nodeView
	Legend        []legendView
	Foot          *textLine
	Removed       []string
	Decisions     []string
	Notes         []string
	// Several tells that the page has drawings of other platforms, too.
	Several bool
	// Layers are the image's, lowest first, for a page of a build that ran.
	Layers       []layerView
	LayerSummary string
}

type stripView struct {
	Name, About                       string
	X, Y, Width, Height, TextX, TextY int
}

type gateView struct{ X, Y, Width int }

type lineView struct {
	Path string
	// Head is the state that a cause has which it carries, else line.
	Head     string
	From, To string // ids of nodes, for the page to highlight
}

// nodeView is one node: a box, or a tab of one.
type nodeView struct {
	ID string
	// Box is the id of the box that it is a tab of, or its own.
	Box  string
	Node *plan.Node
	Step *plan.Step
	// Name, Title and Vertex are the node's, fit to be written.
	Name, Title, Vertex string

	State state
	// About is what the state means.
	About string
	Tab   bool
	// Class and Shape are how its box looks.
	Class, Shape string
	Lines        []textLine
	// Label is the line below the title.
	Label          string
	LabelX, LabelY int
	MarkX, MarkY   int
	Why            string
	Took           string // in this build, or when it last ran
	Before         string // in the build before, for the report
	Size           string
	// On and For are the nodes that it builds on, and those that build on it.
	On, For []linkView
	Parts   []partView
	Causes  []string
}

type textLine struct {
	X, Y int
	Text string
}

type linkView struct{ ID, Title, How string }

// partView is one thing that counts for a node, as it is and, where it
// changed, as it was.
type partView struct{ Kind, Name, Value, Before string }

type legendView struct {
	State        state
	About        string
	X, Y         int
	TextX, TextY int
}

// about says what a state means, in a legend's few words.
func about(s state, ran bool) string {
	if ran {
		switch s {
		case hit:
			return "from the cache"
		case miss:
			return "ran: not in the cache"
		case invalidated:
			return "ran: changed"
		case conditional:
			return "not settled"
		case unreached:
			return "the build ended before it"
		}
	}
	switch s {
	case unknown:
		return "nothing is recorded"
	case hit:
		return "from the cache"
	case miss:
		return "never built before"
	case invalidated:
		return "runs again: changed"
	case conditional:
		return "runs if what it is made from changes"
	}
	return "ended the build"
}

func states() []state {
	return []state{unknown, hit, miss, invalidated, conditional, failed, unreached}
}
