package narrow

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Suffix is what the name of a record adds to that of its Dockerfile.
const Suffix = ".observed"

// MaxSize is how large a record may be, in bytes.
const MaxSize = 16 << 20

// format is the first word of a record.
const format = "pgstrata-observed 1"

// Record is what the steps of a Dockerfile were observed to read of the files that it
// copies.
type Record struct{ Steps []Recorded }

// Recorded is one step.
type Recorded struct {
	// Key stands for all that the step depends on but what is copied: its text,
	// user, variables, mounts, and the same of all above it.
	Key string
	// Platform is the step's, and Title what it is called. Neither counts.
	Platform, Title string
	// Seen are sorted.
	Seen []Seen
}

// Seen is what a step saw of the copied files at one path.
type Seen struct {
	// Kind is what it asked for.
	Kind Kind
	// Value stands for what it saw.
	Value string
	// Path is a path of the image.
	Path string
}

// Kind is what a step asked for.
type Kind string

// What can be asked for: what is at a path, the names in a directory, or everything
// that was copied.
const (
	At    Kind = "at"
	Names Kind = "names"
	All   Kind = "all"
)

// Nothing is the value of what was looked for, and is none of the copied files.
const Nothing = "-"

// large is the value of what is too large to be read in each build: it never holds.
const large = "large"

// Step returns the record of a key, nil for none.
func (r *Record) Step(key string) *Recorded {
	if r == nil {
		return nil
	}
	for i := range r.Steps {
		if r.Steps[i].Key == key {
			return &r.Steps[i]
		}
	}
	return nil
}

// Replace takes steps of a platform over in place of all that were there.
func (r *Record) Replace(platform string, steps []Recorded) {
	r.Steps = slices.DeleteFunc(r.Steps, func(s Recorded) bool { return s.Platform == platform })
	r.Steps = append(r.Steps, steps...)
}

// Format writes a record: sorted, a line for each path.
func (r *Record) Format() []byte {
	steps := slices.Clone(r.Steps)
	slices.SortFunc(steps, func(a, b Recorded) int {
		return cmp.Or(strings.Compare(a.Platform, b.Platform), strings.Compare(a.Title, b.Title), strings.Compare(a.Key, b.Key))
	})
	var out bytes.Buffer
	out.WriteString("# What steps were observed to read of the files that are copied, by pgstrata observe.\n" + format + "\n")
	for _, s := range steps {
		fmt.Fprintf(&out, "\nstep %s %s %s %s\n", s.Key, s.sum(), s.Platform, strconv.Quote(s.Title))
		out.WriteString(s.lines())
	}
	return out.Bytes()
}

// lines are the step's lines but the first.
func (s *Recorded) lines() string {
	var out strings.Builder
	seen := slices.Clone(s.Seen)
	slices.SortFunc(seen, compareSeen)
	for _, l := range slices.Compact(seen) {
		fmt.Fprintf(&out, "%s %s %s\n", l.Kind, l.Value, quoted(l.Path))
	}
	return out.String()
}

// sum tells lines that somebody took out: a step would be given too little.
func (s *Recorded) sum() string { return sum(s.Key, s.lines()) }

func compareSeen(a, b Seen) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Kind), string(b.Kind)))
}

// quoted is a path in one line.
func quoted(name string) string {
	if strings.HasPrefix(name, "/") && !strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) || r == '\uFFFD' }) {
		return name
	}
	return strconv.Quote(name)
}

// ParseRecord reads what [Record.Format] wrote. An empty file is a record of
// nothing.
func ParseRecord(data []byte) (*Record, error) {
	out := &Record{}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("it has %d bytes; a record has at most %d", len(data), MaxSize)
	}
	known := false
	n := 0
	sums := map[string]string{}
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !known {
			if line != format {
				return nil, fmt.Errorf("line %d: it is no record that this version of pgstrata reads (%s)", n, format)
			}
			known = true
			continue
		}
		if err := out.line(line, sums); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	for _, s := range out.Steps {
		if sums[s.Key] != s.sum() {
			return nil, fmt.Errorf("what it says of %s was changed since it was written", s.Title)
		}
	}
	return out, nil
}

func (r *Record) line(line string, sums map[string]string) error {
	word, rest, _ := strings.Cut(line, " ")
	value, rest, ok := strings.Cut(rest, " ")
	if !ok || value == "" {
		return fmt.Errorf("%q is none of a record's lines", line)
	}
	if word == "step" {
		words := append(strings.SplitN(rest, " ", 3), "", "")
		sums[value] = words[0]
		platform, title := words[1], words[2]
		text, err := strconv.Unquote(title)
		if err != nil || r.Step(value) != nil {
			return fmt.Errorf("%q is none of a record's lines", line)
		}
		r.Steps = append(r.Steps, Recorded{Key: value, Platform: platform, Title: text})
		return nil
	}
	kind := Kind(word)
	name := rest
	var err error
	if strings.HasPrefix(rest, `"`) {
		name, err = strconv.Unquote(rest)
	}
	if err != nil || !slices.Contains([]Kind{At, Names, All}, kind) || !strings.HasPrefix(name, "/") || len(r.Steps) == 0 {
		return fmt.Errorf("%q is none of a record's lines", line)
	}
	last := &r.Steps[len(r.Steps)-1]
	last.Seen = append(last.Seen, Seen{kind, value, name})
	return nil
}
