package dockerfile

// Decision tells what became of an instruction.
type Decision struct {
	// Line is the instruction's, counted from 1.
	Line int
	// Kind is what was decided.
	Kind DecisionKind
	// Text tells it, without file and line. Of a RUN that stays one step it has the
	// line of the reason, and the edit that lifts it.
	Text string
}

// DecisionKind is what was decided of an instruction.
type DecisionKind string

// The kinds of decisions.
const (
	// Split is a RUN whose scripts are steps.
	Split DecisionKind = "split"
	// Divided is a RUN whose commands are steps.
	Divided DecisionKind = "divided"
	// Whole is a RUN of several scripts that stays one step, or that may be one.
	Whole DecisionKind = "whole"
	// Untouched is a RUN of a script that there is nothing to take apart in. A build
	// does not speak of it.
	Untouched DecisionKind = "untouched"
	// Cached is a RUN with cache mounts.
	Cached DecisionKind = "cached"
	// Moved is what comes after steps that do without it, or is hidden from them.
	Moved DecisionKind = "moved"
	// Held is an ARG that stays above steps which may read it.
	Held DecisionKind = "held"
	// Folded is a RUN that is a part of the copies above it.
	Folded DecisionKind = "folded"
	// Narrowed is a RUN whose steps see fewer files.
	Narrowed DecisionKind = "narrowed"
)
