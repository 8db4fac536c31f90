package interp

import (
	"errors"
	"slices"

	"github.com/pgstrata/pgstrata/shell"
)

// Reasons why a source could not be followed.
var (
	// ErrUnknownPath: the path depends on what happens at run time.
	ErrUnknownPath = errors.New("the path is not known before it runs")
	// ErrOutsideContext: the file is not part of the build context.
	ErrOutsideContext = errors.New("the file is not in the build context")
)

// source is source and the dot command.
func (in *interp) source(c *ctx, e *env, inv *invocation) {
	if len(inv.words) < 2 {
		return
	}
	at := 1
	if inv.words[1].Is("--") && len(inv.words) > 2 {
		at = 2
	}
	in.effect(c, e, shell.Effect{Kind: shell.EffectSource, Name: inv.words[at].Value, Pos: inv.words[0].Pos})
	abs := resolve(e.dir, inv.vals[at])
	followed := false
	for _, s := range abs.choices() {
		src := in.newSource(c, e, inv, at, s)
		for _, one := range in.listed(&src, s) {
			followed = in.follow(c, e, inv, at, one) || followed
		}
	}
	if !followed {
		in.sourcedUnseen(e, abs)
	}
}

func (in *interp) newSource(c *ctx, e *env, inv *invocation, at int, abs string) shell.Source {
	w := inv.words[at]
	src := shell.Source{
		Word: w, From: c.rec.path, Pos: inv.words[0].Pos, End: inv.end(), Func: c.fn,
		Guards: c.way(), Optional: optional(c, e, w),
	}
	src.Conditional = conditional(src.Guards)
	if abs != holeText {
		src.Absolute, src.Pattern = output(abs), hasMark(abs)
		src.Path, src.InContext = in.contextOf(abs)
	}
	return src
}

// optional reports whether the way there has asked for the same file.
func optional(c *ctx, e *env, w shell.Word) bool {
	same := func(t shell.Word) bool { return t.Text == w.Text || t.Known && w.Known && t.Value == w.Value }
	return slices.ContainsFunc(e.checked, same) ||
		slices.ContainsFunc(c.way(), func(g shell.Guard) bool { return slices.ContainsFunc(g.Tests, same) })
}

// listed expands a pattern to the files of the context, when they can be
// listed.
func (in *interp) listed(src *shell.Source, abs string) []shell.Source {
	if !hasGlob(abs) || hasHole(abs) || !src.InContext || in.loader == nil {
		return []shell.Source{*src}
	}
	names := in.loader.glob(src.Path)
	if len(names) == 0 {
		return []shell.Source{*src}
	}
	out := make([]shell.Source, 0, len(names))
	for _, name := range names {
		one := *src
		one.Path, one.Pattern = name, false
		one.Absolute, _ = in.opts.Absolute(name)
		out = append(out, one)
	}
	return out
}

// follow reads a sourced file in, and reports whether it could.
func (in *interp) follow(c *ctx, e *env, inv *invocation, at int, src shell.Source) bool {
	var t *parsedFile
	switch {
	case src.Absolute == "" || !src.Word.Known && !src.Word.Glob:
		src.Err = ErrUnknownPath
	case !src.InContext:
		src.Err = ErrOutsideContext
	case src.Pattern:
		src.Err = ErrUnknownPath
	case in.loader != nil:
		t, src.Err = in.loader.helper(src.Path, in.opts)
	}
	if c.rec.first(onceSource, src.Pos, src.Absolute) {
		c.rec.script.Sources = append(c.rec.script.Sources, src)
		if errors.Is(src.Err, ErrUnknownPath) && !src.Pattern {
			in.readsAllAt(c, src.Pos)
		}
		if src.Err != nil {
			in.prog.Unresolved = append(in.prog.Unresolved, src)
		}
	}
	if t == nil {
		return false
	}
	_, known := in.records[src.Path]
	rec := in.record(src.Path, t)
	if !known {
		rec.site = c
		in.prog.Helpers = append(in.prog.Helpers, shell.Helper{Script: rec.script, From: c.rec.path, Pos: src.Pos})
	}
	if t.file == nil {
		rec.entered = true
		return false
	}
	if in.reading[src.Path] || in.depth >= maxCalls || in.exhausted() {
		return true
	}
	var args *invocation
	if len(inv.words) > at+1 {
		args = inv.from(at + 1)
	}
	in.enterFile(c, e, args, rec)
	return true
}

// enterFile goes through a sourced file. args are its own arguments, if it has
// any.
func (in *interp) enterFile(c *ctx, e *env, args *invocation, rec *record) {
	in.depth++
	in.reading[rec.path] = true
	rec.entered = true
	n := *c
	n.rec, n.text, n.dialect = rec, rec.tree.text, rec.tree.head.Dialect
	n.fn, n.nested = "", nil
	n.led(c.way())
	var returns []*env
	n.returns = &returns
	outer, fixed := e.args, e.argsFixed
	if args != nil {
		e.setArgs(arguments(c, args, 0))
	}
	in.stmts(&n, e, rec.tree.file.Stmts)
	in.returned(e, returns)
	e.setArgs(outer, fixed)
	delete(in.reading, rec.path)
	in.depth--
}

// sourcedUnseen forgets what a file may have set that nobody has read.
func (in *interp) sourcedUnseen(e *env, abs value) {
	if s, ok := abs.exact(); ok {
		if names := Sets(s); names != nil {
			for _, name := range names {
				e.assign(name, unknown())
			}
			return
		}
	}
	e.forget()
}

// Sets returns the variables that a file of the system may set when it is
// sourced; by its specification it does nothing else. It is nil for any other
// file.
func Sets(absolute string) []string {
	switch absolute {
	case "/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release":
		return []string{
			"NAME", "ID", "ID_LIKE", "PRETTY_NAME", "CPE_NAME", "VARIANT", "VARIANT_ID", "VERSION", "VERSION_ID", "VERSION_CODENAME", "FANCY_NAME",
			"BUILD_ID", "IMAGE_ID", "IMAGE_VERSION", "RELEASE_TYPE", "EXPERIMENT", "EXPERIMENT_URL", "HOME_URL", "DOCUMENTATION_URL", "SUPPORT_URL",
			"BUG_REPORT_URL", "PRIVACY_POLICY_URL", "SUPPORT_END", "LOGO", "ANSI_COLOR", "ANSI_COLOR_REVERSE", "VENDOR_NAME", "VENDOR_URL",
			"DEFAULT_HOSTNAME", "ARCHITECTURE", "SYSEXT_LEVEL", "SYSEXT_SCOPE", "CONFEXT_LEVEL", "CONFEXT_SCOPE", "PORTABLE_PREFIXES",
			"UBUNTU_CODENAME", "DEBIAN_CODENAME", "DEBIAN_VERSION_FULL", "PLATFORM_ID", "REDHAT_BUGZILLA_PRODUCT", "REDHAT_BUGZILLA_PRODUCT_VERSION",
			"REDHAT_SUPPORT_PRODUCT", "REDHAT_SUPPORT_PRODUCT_VERSION", "DISTRIB_ID", "DISTRIB_RELEASE", "DISTRIB_CODENAME", "DISTRIB_DESCRIPTION", "LSB_VERSION",
		}
	}
	return nil
}
