package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// redirections are a statement's redirections, and what they mean for it.
type redirections struct {
	list   []shell.Redirect
	hdocs  []*syntax.Redirect
	stdin  *value // what standard input becomes
	stdout bool   // standard output goes elsewhere
}

func (in *interp) redirects(c *ctx, e *env, list []*syntax.Redirect) redirections {
	var out redirections
	for _, r := range list {
		red := shell.Redirect{Op: r.Op.String(), Pos: c.pos(r.Pos())}
		if r.N != nil {
			red.FD = r.N.Value
		}
		var v value
		if ps, ok := procRedirect(r); ok {
			v = in.procSubst(c, e, ps)
			red.Target = in.word(c, r.Word, field{val: unknown()})
			if r.Op == syntax.RdrIn {
				out.stdin = &v
			}
			out.list = append(out.list, red)
			continue
		}
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			red.Target = in.word(c, r.Word, field{val: literal(r.Word.Lit())})
			if r.Hdoc != nil {
				v = in.single(c, e, hereText(r))
				red.Body = in.word(c, r.Hdoc, field{val: v})
				out.hdocs = append(out.hdocs, r)
			}
			out.stdin = &v
		default:
			v = in.single(c, e, r.Word)
			red.Target = in.word(c, r.Word, field{val: v})
		}
		in.applyRedirect(c, e, r, red, v, &out)
		out.list = append(out.list, red)
	}
	return out
}

// hereText is a here-document's body as a word. That of a quoted delimiter is
// taken as it stands, any other as if it were in double quotes.
func hereText(r *syntax.Redirect) *syntax.Word {
	if !isPlainWord(r.Word) {
		var b strings.Builder
		for _, part := range r.Hdoc.Parts {
			if lit, ok := part.(*syntax.Lit); ok {
				b.WriteString(lit.Value)
			}
		}
		return &syntax.Word{Parts: []syntax.WordPart{&syntax.SglQuoted{Value: b.String()}}}
	}
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.DblQuoted{Parts: r.Hdoc.Parts}}}
}

// isPlainWord reports whether a word has no quotes at all.
func isPlainWord(w *syntax.Word) bool {
	for _, part := range w.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok || strings.IndexByte(lit.Value, '\\') >= 0 {
			return false
		}
	}
	return true
}

func (in *interp) applyRedirect(c *ctx, e *env, r *syntax.Redirect, red shell.Redirect, v value, out *redirections) {
	stdout := red.FD == "" || red.FD == "1"
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut:
		u := unknown()
		out.stdin = &u
		in.redirectPath(c, e, &red.Target, v, shell.AccessRead)
	case syntax.WordHdoc:
		out.stdin = &v
	case syntax.RdrOut, syntax.AppOut, syntax.RdrClob:
		out.stdout = out.stdout || stdout
		in.redirectPath(c, e, &red.Target, v, shell.AccessWrite)
	case syntax.RdrAll, syntax.AppAll:
		out.stdout = true
		in.redirectPath(c, e, &red.Target, v, shell.AccessWrite)
	case syntax.DplOut:
		out.stdout = out.stdout || stdout && v.s != "1"
	}
}

func procRedirect(r *syntax.Redirect) (*syntax.ProcSubst, bool) {
	if r.Word == nil || len(r.Word.Parts) != 1 {
		return nil, false
	}
	ps, ok := r.Word.Parts[0].(*syntax.ProcSubst)
	return ps, ok
}

// redirectPath notes the file of a redirection. A write is also something that
// a driver script does itself.
func (in *interp) redirectPath(c *ctx, e *env, w *shell.Word, v value, access shell.Access) {
	for _, s := range v.choices() {
		if s != "" && s != holeText {
			in.addPath(c, e, w, s, v.flags, access, false)
		}
	}
	if access == shell.AccessRead && isEnviron(w.Value) {
		in.readsAllAt(c, w.Pos)
	}
	if access == shell.AccessWrite && !strings.HasPrefix(w.Value, "/dev/") {
		in.effect(c, e, shell.Effect{Kind: shell.EffectWrite, Name: w.Value, Pos: w.Pos})
	}
}
