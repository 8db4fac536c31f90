package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Condition is comparisons of two texts, such as `${PG_MAJOR} >= 14`, with `||`
// between them. A script is left out unless one of each of its conditions holds.
type Condition struct {
	Any []Comparison
	// At is the place of the whole condition.
	At Range
}

// Comparison compares two texts.
type Comparison struct {
	Left, Right Text
	// Op is one of == != < <= > >=.
	Op string
}

func (c *Condition) decodeNode(d *decoder, n ast.Node, _ int) {
	s, ok := d.scalar(n)
	if !ok {
		return
	}
	c.At = rangeOf(n)
	words, ok := comparisonWords(s)
	for len(words) > 0 && ok {
		end := slices.Index(words, "||")
		if end < 0 {
			end = len(words)
		}
		one := words[:end]
		if ok = len(one) == 3 && isComparison(one[1]) && end != len(words)-1; ok {
			c.Any = append(c.Any, Comparison{Left: Text{Value: one[0], At: c.At}, Op: one[1], Right: Text{Value: one[2], At: c.At}})
			words = words[min(end+1, len(words)):]
		}
	}
	if !ok || len(c.Any) == 0 {
		d.Addf(c.At, "%q is not a comparison: write `${NAME} == value`, with one of == != < <= > >=, and quotes around what is empty or has spaces", s)
	}
}

func isComparison(op string) bool {
	return slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, op)
}

// comparisonWords splits a comparison at spaces that are neither in quotes nor
// in `${…}`, and takes the quotes away.
func comparisonWords(s string) (words []string, ok bool) {
	var b strings.Builder
	quote, braces, within := byte(0), 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote, within = c, true
		case c == ' ' && braces == 0:
			if within {
				words = append(words, b.String())
			}
			b.Reset()
			within = false
		default:
			if c == '{' && i > 0 && s[i-1] == '$' {
				braces++
			} else if c == '}' && braces > 0 {
				braces--
			}
			b.WriteByte(c)
			within = true
		}
	}
	if within {
		words = append(words, b.String())
	}
	return words, quote == 0 && braces == 0
}

// validate reports values that have no order.
func (c *Condition) validate(p *Problems) {
	for _, one := range c.Any {
		if one.Op == "==" || one.Op == "!=" {
			continue
		}
		for _, t := range []Text{one.Left, one.Right} {
			if _, ok := version(t.Value); !ok {
				p.Addf(c.At, "%q cannot be compared by %s: it is not a version such as 15 or 16.4", t.Value, one.Op)
			}
		}
	}
}

// hold tells whether all conditions do.
func hold(list []Condition) bool {
	return !slices.ContainsFunc(list, func(c Condition) bool { return !c.holds() })
}

// holds tells whether one of the comparisons does.
func (c *Condition) holds() bool { return slices.ContainsFunc(c.Any, Comparison.holds) }

// holds evaluates a comparison whose arguments have been replaced. Equality is
// that of the texts, of which the right side may have several; order is that of
// versions, number by number.
func (c Comparison) holds() bool {
	equal := slices.Contains(strings.Split(c.Right.Value, "|"), c.Left.Value)
	switch c.Op {
	case "==":
		return equal
	case "!=":
		return !equal
	}
	left, _ := version(c.Left.Value)
	right, _ := version(c.Right.Value)
	order := slices.Compare(left, right)
	switch c.Op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// version reads numbers with dots between them. Zeros at its end do not count:
// 16 and 16.0 are the same.
func version(s string) ([]int, bool) {
	var out []int
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, false
		}
		out = append(out, int(n))
	}
	for len(out) > 0 && out[len(out)-1] == 0 {
		out = out[:len(out)-1]
	}
	return out, true
}

// leaveOut drops the repositories, sources and scripts whose conditions do not hold.
func (f *File) leaveOut() {
	f.Setup.Repositories = slices.DeleteFunc(f.Setup.Repositories, func(r Repository) bool { return !hold(r.When) })
	f.dropSources()
	f.drop(func(s Script) bool { return !hold(s.When) })
}

// dropSources drops sources whose conditions do not hold, from scripts' lists too.
func (f *File) dropSources() {
	out := map[string]bool{}
	f.Setup.Sources = slices.DeleteFunc(f.Setup.Sources, func(s Source) bool {
		out[s.Name.Value] = !hold(s.When)
		return out[s.Name.Value]
	})
	for _, list := range [][]Script{f.Setup.Scripts, f.Setup.FinalCleanup} {
		for i := range list {
			list[i].Sources = slices.DeleteFunc(slices.Clone(list[i].Sources), func(t Text) bool { return out[t.Value] })
		}
	}
}

// drop drops scripts, and what else in the file speaks of them.
func (f *File) drop(which func(s Script) bool) {
	out := map[string]bool{}
	keep := func(list []Script) []Script {
		return slices.DeleteFunc(list, func(s Script) bool {
			if !which(s) {
				return false
			}
			out[s.Name()], out[s.Path.Value] = true, true
			f.Setup.LeftOut = append(f.Setup.LeftOut, s)
			return true
		})
	}
	f.Setup.Scripts, f.Setup.FinalCleanup = keep(f.Setup.Scripts), keep(f.Setup.FinalCleanup)
	for _, s := range slices.Concat(f.Setup.Scripts, f.Setup.FinalCleanup) { // one that is named twice may stay
		delete(out, s.Name())
		delete(out, s.Path.Value)
	}
	if len(out) == 0 {
		return
	}
	for i := range f.Setup.Scripts {
		s := &f.Setup.Scripts[i]
		s.Needs = slices.DeleteFunc(s.Needs, func(t Text) bool { return out[t.Value] })
	}
	rules := &f.CacheBoundary.Rules
	*rules = slices.DeleteFunc(*rules, func(r Rule) bool {
		name, ok := strings.CutPrefix(r.Layer.Value, "setup/")
		return ok && out[name]
	})
}
