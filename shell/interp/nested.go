package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// nestedText is shell text handed to a shell, parsed.
type nestedText struct {
	text *shell.Text
	word *syntax.Word // that it comes from
	file *syntax.File // nil when it cannot be parsed
}

// textKind is how backslashes in nested text are read.
type textKind int

const (
	textWord   textKind = iota // as in a word
	textQuoted                 // as in double quotes
	textRaw                    // not at all
)

func hereKind(r *syntax.Redirect) textKind {
	if isPlainWord(r.Word) {
		return textQuoted
	}
	return textRaw
}

// shellCommand is sh, bash and their kin: -c with text, a script, or text on
// standard input.
func (in *interp) shellCommand(c *ctx, e *env, inv *invocation, base string) bool {
	at, isText := shellOperand(inv.words)
	in.note(c, e, inv, base, shell.CallProgram)
	n := c.through(base, inv.words[0].Pos)
	switch {
	case isText:
		in.nestedWord(n, e, inv, at)
	case at > 0:
		in.child(c, e, inv, at, base, inv.words[1:at])
		e.print(unknown())
	default:
		in.nestedInput(n, e, inv)
	}
	return true
}

// shellOperand finds the script or the text that a shell is given.
func shellOperand(words []shell.Word) (at int, isText bool) {
	for i := 1; i < len(words); i++ {
		w := words[i].Value
		switch {
		case words[i].Is("--"):
			if isText || i+1 < len(words) {
				return i + 1, isText
			}
		case w == "-o" || w == "+o" || w == "-O" || w == "+O" || w == "--rcfile" || w == "--init-file":
			i++
		case strings.HasPrefix(w, "--"):
		case len(w) > 1 && (w[0] == '-' || w[0] == '+') && words[i].Known:
			isText = isText || strings.ContainsRune(w, 'c')
			if strings.ContainsRune(w, 's') {
				return 0, false
			}
			if strings.HasSuffix(w, "o") {
				i++
			}
		default:
			return i, isText
		}
	}
	return 0, false
}

// nestedWord runs the text in word at. Its own words are positional parameters
// from $0 on.
func (in *interp) nestedWord(c *ctx, e *env, inv *invocation, at int) {
	if at >= len(inv.words) {
		return
	}
	w := inv.nodes[at]
	var nt *nestedText
	if o := inv.vals[at].origin(); o != nil && o.site != nil && o.node != nil && isLiteral(o.node) {
		w = o.node
		n := *c
		n.rec, n.text = o.site.rec, o.site.text
		c = &n
	}
	if w != nil {
		nt = in.parseNested(c, e, w, w.Parts, textWord)
	}
	if inv.words[at].Value == "*" && len(inv.words[at].Values) == 0 {
		in.readsAllAt(c, inv.words[at].Pos)
	}
	s := e.clone()
	s.zero = literal(inv.words[0].Value)
	if at+1 < len(inv.words) {
		s.zero = inv.vals[at+1]
	}
	s.setArgs(arguments(c, inv, min(at+2, len(inv.words))))
	in.runNested(c.sub(), s, e, nt, inv.words[at].Pos)
}

// nestedInput runs the here-document that a shell reads.
func (in *interp) nestedInput(c *ctx, e *env, inv *invocation) {
	docs := inv.hdocs
	if len(docs) == 0 && e.doc != nil {
		docs = []*syntax.Redirect{e.doc.redirect}
		n := *c
		n.rec, n.text = e.doc.ctx.rec, e.doc.ctx.text
		c = &n
	}
	for _, r := range docs {
		nt := in.parseNested(c, e, r.Hdoc, r.Hdoc.Parts, hereKind(r))
		in.runNested(c.sub(), e.clone(), e, nt, c.pos(r.Pos()))
	}
	e.print(unknown())
}

func (in *interp) runNested(c *ctx, s, e *env, nt *nestedText, pos shell.Pos) {
	if nt == nil || nt.file == nil {
		in.readsAllAt(c, pos)
		e.print(unknown())
		return
	}
	if in.depth >= maxCalls {
		return
	}
	in.depth++
	n := *c
	n.text, n.nested = nt.text, nt.word
	n.returns = nil
	in.stmts(&n, s, nt.file.Stmts)
	in.depth--
	e.out = s.out
}

// nestedKey is a written word with what its variables were.
type nestedKey struct {
	word *syntax.Word
	text string
}

// parseNested parses the text of a word. Variables that the outer shell puts in
// are put in as far as they are known. Its command substitutions have been read
// already, and are unknown parts like the other variables.
func (in *interp) parseNested(c *ctx, e *env, word *syntax.Word, parts []syntax.WordPart, kind textKind) *nestedText {
	b := nestedBuilder{in: in, c: c, e: e, raw: kind == textRaw}
	b.parts(parts, kind == textQuoted)
	key := nestedKey{word, b.String()}
	if nt, ok := in.nested[key]; ok {
		return nt
	}
	nt := &nestedText{text: c.text.Nested(key.text, b.segs), word: word}
	in.nested[key] = nt
	file, err := parseText(key.text, syntax.LangBash)
	if err != nil || !boundedWalk(file, func(syntax.Node) {}) {
		return nt
	}
	nt.file = file
	return nt
}

// nestedBuilder puts the text of a word together, with its offsets.
type nestedBuilder struct {
	strings.Builder
	in   *interp
	c    *ctx
	e    *env
	segs []shell.Seg
	raw  bool // backslashes stand for themselves
}

func (b *nestedBuilder) put(s string, at int) {
	b.segs = append(b.segs, shell.Seg{Inner: b.Len(), Outer: at})
	b.WriteString(s)
}

// stand puts text that stands for an expansion.
func (b *nestedBuilder) stand(s string, part syntax.WordPart) {
	at, end := offset(part.Pos()), offset(part.End())
	b.segs = append(b.segs, shell.Seg{Inner: b.Len(), Outer: at, Width: max(end-at, 1)})
	b.WriteString(s)
}

func (b *nestedBuilder) parts(parts []syntax.WordPart, quoted bool) {
	for _, part := range parts {
		at := offset(part.Pos())
		switch part := part.(type) {
		case *syntax.Lit:
			if b.raw {
				b.put(part.Value, at)
				continue
			}
			b.literal(part.Value, at, quoted)
		case *syntax.SglQuoted:
			if part.Dollar {
				b.stand(unescapeDollar(part.Value), part)
				continue
			}
			b.put(part.Value, at+1)
		case *syntax.DblQuoted:
			b.parts(part.Parts, true)
		case *syntax.ParamExp:
			v := b.in.param(b.c, b.e, part)
			if v.isArr() {
				v = joined(v)
			}
			s, ok := v.exact()
			if !ok {
				s = string(rune(markNested))
			}
			b.stand(s, part)
		default:
			b.stand(string(rune(markNested)), part)
		}
	}
}

// literal puts text without its quoting backslashes.
func (b *nestedBuilder) literal(s string, at int, quoted bool) {
	start := 0
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' || quoted && strings.IndexByte("$`\"\\", s[i+1]) < 0 {
			continue
		}
		b.put(s[start:i], at+start)
		start = i + 1
		i++
	}
	b.put(s[start:], at+start)
}

// eval is text that the shell itself reads. It is read here with its variables
// left as they are. When there are any, nobody can say what else it does.
func (in *interp) eval(c *ctx, e *env, inv *invocation) {
	var parts []syntax.WordPart
	known := true
	for i, w := range inv.nodes[1:] {
		if i > 0 && w == inv.nodes[i] {
			continue // one written word that became several
		}
		if w == nil {
			known, parts = false, nil
			break
		}
		known = known && isLiteral(w)
		if len(parts) > 0 {
			parts = append(parts, &syntax.Lit{ValuePos: w.Pos(), ValueEnd: w.Pos(), Value: " "})
		}
		parts = append(parts, w.Parts...)
	}
	if len(parts) > 0 {
		nt := in.parseNested(c, e, inv.nodes[1], parts, textWord)
		known = known && nt.file != nil
		if nt.file != nil && in.depth < maxCalls {
			in.depth++
			n := c.through("eval", inv.words[0].Pos)
			n.text, n.nested = nt.text, nt.word
			in.stmts(n, e, nt.file.Stmts)
			in.depth--
		}
	}
	if !known {
		in.readsAllAt(c, inv.words[0].Pos)
		e.forget()
		in.effect(c, e, shell.Effect{Kind: shell.EffectDynamic, Name: "eval", Pos: inv.words[0].Pos})
		e.print(unknown())
	}
}

// isLiteral reports whether nothing in a word is expanded.
func isLiteral(w *syntax.Word) bool {
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit, *syntax.SglQuoted:
		case *syntax.DblQuoted:
			if !isLiteral(&syntax.Word{Parts: part.Parts}) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// trap reads the command that a trap runs, which may or may not happen. One that is
// read has effects of its own; of any other nobody knows what it does.
func (in *interp) trap(c *ctx, e *env, inv *invocation) {
	set := shell.Effect{Kind: shell.EffectTrap, Pos: inv.words[0].Pos}
	ops := operands(inv.words[1:])
	if len(ops) < 2 || inv.nodes[1+ops[0]] == nil || inv.words[1+ops[0]].Value == "-" {
		in.effect(c, e, set)
		return
	}
	w := inv.nodes[1+ops[0]]
	nt := in.parseNested(c, e, w, w.Parts, textWord)
	set.Pure = nt.file != nil && len(nt.file.Stmts) > 0 && in.depth+1 < maxCalls
	in.effect(c, e, set)
	if nt.file == nil {
		return
	}
	n := c.with(shell.Guard{Kind: shell.GuardTrap, Text: inv.words[len(inv.words)-1].Value, Pos: inv.words[0].Pos})
	n.text, n.nested = nt.text, nt.word
	in.depth++
	if in.depth < maxCalls {
		in.stmts(n, e.clone(), nt.file.Stmts)
	}
	in.depth--
}
