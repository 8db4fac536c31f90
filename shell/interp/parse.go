package interp

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

const (
	// maxFrames bounds the parser's recursion. It is measured while the parser
	// reads, a kilobyte at a time: a goroutine's stack cannot be bounded
	// otherwise without ending the process.
	maxFrames = 20_000
	// maxTree bounds the depth of the syntax tree.
	maxTree = 3_000
)

// errTooDeep is the parser's reader giving up.
var errTooDeep = errors.New("nested too deeply")

// Parse reads one script by itself, as it runs with the zero Options. The error
// is a *SyntaxError or a *TooLargeError. With a *SyntaxError there is a script
// all the same, of which only the text is known: what it mentions.
func Parse(path string, src []byte) (*shell.Script, error) {
	return parseWith(path, src, Options{})
}

// parseWith reads one script by itself. Helpers that it sources are listed but
// not followed; see [Load] for that.
func parseWith(path string, src []byte, opts Options) (*shell.Script, error) {
	p, err := newInterp(&opts, nil).program(path, src)
	if p == nil {
		return nil, err
	}
	return p.Main, err
}

// parsedFile is a parsed file. It is shared by the programs that use the file and
// never changed.
type parsedFile struct {
	head shell.Script // what is known of the file as a whole
	file *syntax.File
	text *shell.Text
	// calls is how many commands the file calls, so that room can be made;
	// nodes is how many statements and words it has.
	calls, nodes int
}

// parseTree reads a file. With a *SyntaxError comes a tree that has the text
// alone. force is the interpreter to use when the file is
// known to be shell whatever its name says: a sourced file.
func parseTree(path string, src []byte, opts *Options, force string) (*parsedFile, error) {
	if len(src) > opts.maxSize() {
		return nil, &shell.TooLargeError{Path: path, Size: len(src), Max: opts.maxSize()}
	}
	s, bom, invalid := plain(src)
	t := &parsedFile{text: shell.NewText(s)}
	t.head = shell.Script{Path: path, BOM: bom, Text: t.text, Shebang: readShebang(s, bom)}
	t.head.Interpreter = interpreter(t.head.Shebang)
	if at := crlf(s); at >= 0 {
		t.head.CRLF = t.text.Pos(at)
	}
	if invalid >= 0 {
		t.head.InvalidUTF8 = t.text.Pos(invalid)
	}
	lang := t.head.Interpreter
	if lang == "" {
		lang = opts.Interpreter
	}
	switch {
	case force != "":
		if !isShell(lang) {
			lang = force
		}
	case lang == "" && shellExtension(path):
		lang = "bash"
	case lang == "":
		lang = languageOf(path)
	}
	nul := strings.IndexByte(s, 0)
	if nul >= 0 && t.head.Interpreter == "" && force == "" {
		t.head.Binary = true
		return t, nil
	}
	if !isShell(lang) {
		if at := readsEnvironment(lang, s); at >= 0 {
			t.head.ReadsAllAt = t.text.Pos(at)
		}
		return t, nil
	}
	if nul >= 0 {
		t.head.Broken = &shell.SyntaxError{Path: path, Pos: t.text.Pos(nul), Msg: "a NUL byte: this is not a text file"}
		return t, t.head.Broken
	}
	t.head.Shell = true
	if t.head.Broken = t.parse(path, lang); t.head.Broken != nil {
		t.file, t.head.Dialect = nil, ""
		return t, t.head.Broken
	}
	return t, nil
}

// parse parses the file by the grammar of its interpreter. A plain sh's script
// that only bash can read is read as bash, and that is noted: the caller may
// still want to know what it does.
func (t *parsedFile) parse(path, interpreter string) *shell.SyntaxError {
	variant := variantOf(interpreter)
	file, err := parseText(t.text.Src, variant)
	if err == nil && variant == syntax.LangPOSIX {
		err = bashTest(file)
	}
	if err != nil && variant != syntax.LangBash && !errors.Is(err, errTooDeep) {
		if again, err2 := parseText(t.text.Src, syntax.LangBash); err2 == nil {
			t.head.Bashism = syntaxError(path, t.text, err)
			if beyond := beyondAsh(again); beyond != nil {
				t.head.BeyondAsh = syntaxError(path, t.text, beyond)
			}
			file, err, variant = again, nil, syntax.LangBash
		}
	}
	if err != nil {
		return syntaxError(path, t.text, err)
	}
	t.file = file
	t.head.Dialect = variant.String()
	if !t.scan(file) {
		return syntaxError(path, t.text, errTooDeep)
	}
	// The tree is walked by kind, not by place.
	slices.SortFunc(t.head.Comments, func(a, b shell.Span) int { return cmp.Compare(a.From, b.From) })
	slices.SortFunc(t.head.Reads, func(a, b shell.Read) int { return comparePos(a.Pos, b.Pos) })
	return nil
}

func variantOf(interpreter string) syntax.LangVariant {
	switch {
	case isPlainShell(interpreter):
		return syntax.LangPOSIX
	case isKorn(interpreter):
		return syntax.LangMirBSDKorn
	case interpreter == "bats":
		return syntax.LangBats
	}
	return syntax.LangBash
}

// bashTest finds [[ in text that was parsed as POSIX, where it is a command
// name like any other and && within it would be taken for the shell's.
func bashTest(file *syntax.File) error {
	var err error
	boundedWalk(file, func(n syntax.Node) {
		call, ok := n.(*syntax.CallExpr)
		if ok && err == nil && len(call.Args) > 0 && call.Args[0].Lit() == "[[" {
			err = syntax.LangError{
				Pos: call.Pos(), Feature: "[[", LangUsed: syntax.LangPOSIX,
				Langs: []syntax.LangVariant{syntax.LangBash, syntax.LangMirBSDKorn},
			}
		}
	})
	return err
}

// parseText runs the parser with its recursion bounded.
func parseText(src string, variant syntax.LangVariant) (file *syntax.File, err error) {
	defer func() {
		// The parser is fuzzed by its authors, but input comes from anyone: a
		// fault of its must end as an error about the script.
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("the parser failed: %v", r)
		}
	}()
	parser := syntax.NewParser(syntax.Variant(variant), syntax.KeepComments(true))
	if file, err = parser.Parse(&depthReader{src: src}, ""); err == nil {
		Regroup(file)
	}
	return file, err
}

// depthReader hands out text and refuses once the stack is too deep.
type depthReader struct {
	src string
}

// Read implements io.Reader.
func (r *depthReader) Read(p []byte) (int, error) {
	if r.src == "" {
		return 0, io.EOF
	}
	var pc [1]uintptr
	if runtime.Callers(maxFrames, pc[:]) > 0 {
		return 0, errTooDeep
	}
	n := copy(p, r.src)
	r.src = r.src[n:]
	return n, nil
}

// scan collects comments and reads, and reports whether the tree is shallow
// enough to be walked.
func (t *parsedFile) scan(file *syntax.File) bool {
	return boundedWalk(file, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Stmt, *syntax.Word:
			t.nodes++
		case *syntax.CallExpr:
			t.calls++
		case *syntax.Comment:
			t.head.Comments = append(t.head.Comments, shell.Span{From: offset(n.Hash), To: offset(n.End())})
		case *syntax.ParamExp:
			if n.Param != nil && syntax.ValidName(n.Param.Value) {
				t.read(n.Param)
			}
		case *syntax.BinaryArithm:
			t.readArithm(n.X, n.Y)
		case *syntax.UnaryArithm:
			t.readArithm(n.X)
		case *syntax.ParenArithm:
			t.readArithm(n.X)
		case *syntax.ArithmExp:
			t.readArithm(n.X)
		case *syntax.ArithmCmd:
			t.readArithm(n.X)
		case *syntax.UnaryTest:
			if word, ok := n.X.(*syntax.Word); ok && n.Op == syntax.TsVarSet {
				t.readArithm(word)
			}
		}
	})
}

func (t *parsedFile) readArithm(exprs ...syntax.ArithmExpr) {
	for _, x := range exprs {
		word, ok := x.(*syntax.Word)
		if !ok || len(word.Parts) != 1 {
			continue
		}
		if lit, ok := word.Parts[0].(*syntax.Lit); ok && syntax.ValidName(lit.Value) {
			t.read(lit)
		}
	}
}

func (t *parsedFile) read(name *syntax.Lit) {
	t.head.Reads = append(t.head.Reads, shell.Read{Name: name.Value, Pos: t.text.Pos(offset(name.ValuePos))})
}

// boundedWalk walks a tree down to maxTree levels, and reports whether that was
// all of it.
func boundedWalk(root syntax.Node, visit func(syntax.Node)) bool {
	depth, whole := 0, true
	syntax.Walk(root, func(n syntax.Node) bool {
		if n == nil {
			depth--
			return true
		}
		if depth >= maxTree {
			whole = false
			return false
		}
		depth++
		visit(n)
		return true
	})
	return whole
}

// plain brings a file's bytes into a form in which every offset stays what it
// was, but nothing is left that means something else to the reader than to a
// shell: the parser refuses bytes that are not UTF-8, which shells accept, and
// the lowest control characters are the package's own marks.
func plain(src []byte) (s string, bom bool, invalid int) {
	invalid = -1
	var out []byte
	edit := func() []byte {
		if out == nil {
			out = bytes.Clone(src)
		}
		return out
	}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		bom = true
		copy(edit(), "   ")
	}
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c <= markNested && c != 0 {
				edit()[i] = '%'
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			if invalid < 0 {
				invalid = i
			}
			edit()[i] = '%'
		}
		i += size
	}
	if out != nil {
		return string(out), bom, invalid
	}
	return string(src), bom, invalid
}

// crlf finds the end of the first line that ends in carriage return, line feed.
func crlf(src string) int { return strings.Index(src, "\r\n") }

// syntaxError translates the parser's error.
func syntaxError(path string, t *shell.Text, err error) *shell.SyntaxError {
	out := &shell.SyntaxError{Path: path, Pos: shell.Pos{Line: 1, Column: 1}, Msg: err.Error()}
	var perr syntax.ParseError
	var lerr syntax.LangError
	switch {
	case errors.As(err, &perr):
		out.Pos, out.Msg = t.Pos(offset(perr.Pos)), perr.Text
	case errors.As(err, &lerr):
		at := lerr.Pos
		lerr.Filename, lerr.Pos = "", syntax.Pos{}
		out.Pos = t.Pos(offset(at))
		out.Msg = langMessage(lerr)
	}
	return out
}

// langMessage says which shells know a feature that this one lacks.
func langMessage(err syntax.LangError) string {
	langs := ""
	for i, l := range err.Langs {
		switch {
		case i == 0:
		case i == len(err.Langs)-1:
			langs += " and "
		default:
			langs += ", "
		}
		langs += l.String()
	}
	return fmt.Sprintf("%s: known to %s only, but this script is read as %s", err.Feature, langs, err.LangUsed)
}

// offset converts the parser's offset.
func offset(p syntax.Pos) int {
	return int(min(p.Offset(), 1<<31-1)) //nolint:gosec // bounded just here
}
