// Package interp reads what a script does from its syntax tree.
//
// Nothing is executed and nothing is matched by regular expression: the script
// is parsed with mvdan.cc/sh and then interpreted abstractly. Assignments with
// known values, the usual ways to find the script's own folder, functions,
// loops over literal lists and wrappers such as sudo or sh -c are followed;
// whatever cannot be known statically is said to be unknown, never guessed.
//
// The package does no I/O of its own. Files come through a function given by
// the caller, so a build context on a daemon, a folder and a test's map are
// all the same to it. The result is plain data and is the same for the same
// input.
//
// [Parse] reads one script by itself. [Loader.Load] reads a script together with the
// helpers that it sources, and lists the scripts that it runs as children.
package interp

import (
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

const (
	// maxSteps bounds how many statements are interpreted. Beyond it functions
	// are no longer entered and loops no longer unrolled; every statement is
	// still read once.
	maxSteps = 6_000
	// maxCalls bounds how deep functions call each other.
	maxCalls = 24
	// maxUnroll bounds how many elements a loop is followed through one by one.
	maxUnroll = 128
)

// interp reads one program by abstract interpretation: it goes through the
// scripts as a shell would, with values that may be unknown.
type interp struct {
	opts   *Options
	loader *Loader
	// records are the files that have a part, by path; order is the order in
	// which they came in.
	records map[string]*record
	order   []*record
	// steps counts statements, active the functions being entered.
	steps   int
	active  map[*syntax.FuncDecl]bool
	reading map[string]bool
	depth   int
	// dry is set while commands are read that are not on the script's way:
	// nothing that happens counts. alive says that they are called all the
	// same, only not followed.
	dry, alive bool
	// dynamic says that a call was met that may be of any function.
	dynamic bool
	// lastpipe says that the last command of a pipeline runs in the shell.
	lastpipe bool
	nested   map[nestedKey]*nestedText
	// made is where words are expanded: a stack, since an expansion may run
	// commands whose words are expanded meanwhile.
	made []field
	// words, vals and nodes are the same for the commands being called.
	words   []shell.Word
	vals    []value
	nodes   []*syntax.Word
	changed map[syntax.Node]*changes
	prog    *shell.Program
	// childEnv is the state of exported variables at each child, for Follow.
	childEnv []map[string]*variable
}

// ctx is where the interpreter is: in which text, function and construct.
type ctx struct {
	rec     *record
	text    *shell.Text
	dialect string
	fn      string
	// guards are those around this place in its own file or function, outer
	// those around the calls that led here.
	guards []shell.Guard
	outer  []shell.Guard
	all    []shell.Guard // both

	background, subshell bool
	// tested says that the exit status decides something.
	tested bool
	// failed says that the command here is the return of `command || return`.
	failed   bool
	nested   *syntax.Word // that holds the text, for text handed to a shell
	pipe     shell.Pipe
	subst    shell.Subst
	wrappers []shell.Wrapper
	user     string
	returns  *[]*env
	loop     *loopExits
}

func newInterp(opts *Options, loader *Loader) *interp {
	return &interp{
		opts: opts, loader: loader,
		records: map[string]*record{},
		active:  map[*syntax.FuncDecl]bool{},
		reading: map[string]bool{},
		nested:  map[nestedKey]*nestedText{},
		changed: map[syntax.Node]*changes{},
		prog:    &shell.Program{},
	}
}

// program reads the main script and everything that it pulls in.
func (in *interp) program(path string, src []byte) (*shell.Program, error) {
	t, err := parseTree(path, src, in.opts, "")
	if t == nil {
		return nil, err
	}
	return in.run(path, t, nil), err
}

// run interprets a parsed main script. vars are variables that the caller has
// exported to it.
func (in *interp) run(path string, t *parsedFile, vars map[string]*variable) *shell.Program {
	rec := in.record(path, t)
	in.prog.Main = rec.script
	if t.file == nil {
		return in.prog
	}
	e := &env{
		vars: newTable[*variable](), funcs: newTable[*definition](),
		zero: value{s: rec.abs, flags: flagRooted}, dir: unknown(), stdin: unknown(), out: value{},
	}
	if vars != nil {
		e.vars.m = vars
	}
	if in.opts.Dir != "" {
		e.dir = literal(in.opts.Dir)
	}
	e.setArgs(noArgs())
	if in.opts.Args != nil {
		args := make([]argument, len(in.opts.Args))
		for i, a := range in.opts.Args {
			args[i] = argument{val: literal(a)}
			args[i].val = args[i].val.from(&args[i])
		}
		e.setArgs(args, len(args))
	}
	c := &ctx{rec: rec, text: t.text, dialect: t.head.Dialect}
	in.reading[path] = true
	rec.entered = true
	in.stmts(c, e, t.file.Stmts)
	in.prog.Incomplete = in.exhausted()
	in.uncalled(e)
	in.finish()
	return in.prog
}

// with returns a context with one more guard.
func (c *ctx) with(g shell.Guard) *ctx {
	n := *c
	n.guards = plus(c.guards, g)
	n.all = n.guards
	if len(c.outer) > 0 {
		n.all = plus(c.all, g)
	}
	return &n
}

// plus returns a list with one more element, and leaves the list as it is:
// others may share it.
func plus[T any](list []T, elem T) []T {
	return append(list[:len(list):len(list)], elem)
}

// inTest returns the context of a command whose exit status decides something.
func (c *ctx) inTest() *ctx {
	if c.tested {
		return c
	}
	n := *c
	n.tested = true
	return &n
}

// sub returns the context of a subshell.
func (c *ctx) sub() *ctx {
	n := *c
	n.subshell = true
	return &n
}

// way is every guard on the way to this place.
func (c *ctx) way() []shell.Guard { return c.all }

// led sets the guards on the way to a function's body or a sourced file.
func (c *ctx) led(way []shell.Guard) { c.outer, c.guards, c.all = way, nil, way }

func (c *ctx) pos(n syntax.Pos) shell.Pos { return c.text.Pos(offset(n)) }

func (c *ctx) source(from, to syntax.Pos) string {
	return c.text.Slice(offset(from), offset(to))
}

func (in *interp) stmts(c *ctx, e *env, list []*syntax.Stmt) {
	for _, s := range list {
		in.stmt(c, e, s)
	}
}

func (in *interp) exhausted() bool { return in.steps > maxSteps }

func (in *interp) stmt(c *ctx, e *env, s *syntax.Stmt) {
	in.steps++
	if s.Background || s.Coprocess {
		in.effect(c, e, shell.Effect{Kind: shell.EffectBackground, Pos: c.pos(s.Position)})
		c = c.sub()
		c.background = true
		e = e.clone()
		e.capturing = false
	}
	if s.Negated {
		c = c.inTest()
	}
	redirs := in.redirects(c, e, s.Redirs)
	stdin, capturing := e.stdin, e.capturing
	if redirs.stdin != nil {
		e.stdin = *redirs.stdin
	}
	if redirs.stdout {
		e.capturing = false
	}
	in.command(c, e, s.Cmd, redirs)
	e.stdin, e.capturing = stdin, capturing
}

func (in *interp) command(c *ctx, e *env, cmd syntax.Command, redirs redirections) {
	switch cmd := cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		in.callExpr(c, e, cmd, redirs)
	case *syntax.Block:
		in.stmts(c, e, cmd.Stmts)
	case *syntax.Subshell:
		in.subshell(c, e, cmd.Stmts)
	case *syntax.IfClause:
		in.ifClause(c, e, cmd)
	case *syntax.CaseClause:
		in.caseClause(c, e, cmd)
	case *syntax.WhileClause:
		in.whileClause(c, e, cmd)
	case *syntax.ForClause:
		in.forClause(c, e, cmd)
	case *syntax.BinaryCmd:
		in.binary(c, e, cmd)
	case *syntax.FuncDecl:
		in.define(c, e, cmd)
	case *syntax.DeclClause:
		in.declClause(c, e, cmd, redirs)
	case *syntax.TestClause:
		in.testClause(c, e, cmd)
	case *syntax.ArithmCmd:
		in.visitArithm(c, e, cmd.X)
	case *syntax.LetClause:
		for _, x := range cmd.Exprs {
			if w, ok := x.(*syntax.Word); ok && w.Lit() == "" {
				e.forget() // let "x = 1": the text is evaluated at run time
			}
			in.visitArithm(c, e, x)
		}
	case *syntax.TimeClause:
		in.timeClause(c, e, cmd)
	case *syntax.CoprocClause:
		n := c.sub()
		n.background = true
		in.stmt(n, e.clone(), cmd.Stmt)
	case *syntax.TestDecl:
		in.stmt(c.with(shell.Guard{Kind: shell.GuardIf, Text: "bats test", Pos: c.pos(cmd.Position)}), e.clone(), cmd.Body)
	}
}

// subshell runs statements in a copy of the state; only what they print
// remains.
func (in *interp) subshell(c *ctx, e *env, list []*syntax.Stmt) {
	s := e.clone()
	in.stmts(c.sub(), s, list)
	e.out = s.out
}

func (in *interp) timeClause(c *ctx, e *env, t *syntax.TimeClause) {
	if t.Stmt == nil {
		return
	}
	n := *c
	n.wrappers = plus(c.wrappers, shell.Wrapper{Name: "time", Pos: c.pos(t.Time)})
	in.stmt(&n, e, t.Stmt)
}

// uncalled reads what the script's way did not lead through, so that its
// commands are known too: functions that nothing was seen to call, and what was
// not followed any further.
func (in *interp) uncalled(e *env) {
	in.dry = true
	for again := true; again; {
		again = false
		for _, rec := range in.order {
			if !rec.entered {
				again, in.alive = true, true
				in.enterFile(rec.site, e.clone(), nil, rec)
			}
			for i := 0; i < len(rec.defs); i++ {
				def := rec.defs[i]
				if def.seen {
					continue
				}
				again, in.alive = true, def.called
				s := e.clone()
				s.stop = stopNone
				s.setArgs(noArgs())
				in.body(def.ctx, s, def)
			}
		}
	}
}
