// Package console runs the commands that a page of documentation shows, and
// compares what they print with what the page says. Run with -update, it writes
// what they printed into the page.
package console

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgstrata/pgstrata/internal/golden"
)

// Session is where the commands of a page run.
type Session struct {
	// Dir is the folder in which they start, Env their environment.
	Dir string
	Env []string
	// Names are what the page calls things, and what they are called here: pairs,
	// of which the first that fits counts.
	Names []string
}

// Run runs a page from its first block to its last. In a block of `console`, a
// line that starts with "$ " is a command, and what follows is what it prints; a
// line "…" there stands for any lines. A block of `diff` is applied to the files.
// Numbers that differ from run to run, such as times and sizes, do not count.
func Run(t *testing.T, page string, s Session) {
	t.Helper()
	data, err := os.ReadFile(page) //nolint:gosec // a test's own file
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	commands := 0
	for _, b := range split(string(data)) {
		switch b.language {
		case "console":
			for _, c := range b.commands() {
				commands++
				out.WriteString("$ " + c.text + "\n")
				got := trimmed(s.page(s.run(t, s.here(c.text), "")))
				if !matches(c.output, got) {
					if !golden.Updating() {
						t.Errorf("%s: $ %s: -page +printed\n%s", page, c.text, cmp.Diff(c.output, got))
					}
					c.output = got
				}
				out.WriteString(c.output + c.gap)
			}
		case "diff":
			s.run(t, "patch --quiet --strip=1", s.here(b.text))
			out.WriteString(b.text)
		default:
			out.WriteString(b.text)
		}
	}
	if commands == 0 {
		t.Errorf("%s has no commands", page)
	}
	if golden.Updating() && !t.Failed() && out.String() != string(data) {
		if err := os.WriteFile(page, []byte(out.String()), 0o644); err != nil { //nolint:gosec // a file of this repository
			t.Fatal(err)
		}
	}
}

// run runs a command and returns what it printed. A command may fail, if the page
// shows how; a patch may not.
func (s Session) run(t *testing.T, command, input string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
	cmd.Dir, cmd.Env, cmd.Stdin = s.Dir, append(os.Environ(), s.Env...), strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil && (input != "" || cmd.ProcessState == nil) {
		t.Fatalf("%s: %v\n%s%s", command, err, input, out)
	}
	return string(out)
}

func (s Session) here(text string) string { return strings.NewReplacer(s.Names...).Replace(text) }

func (s Session) page(text string) string {
	var back []string
	for i := 0; i+1 < len(s.Names); i += 2 {
		back = append(back, s.Names[i+1], s.Names[i])
	}
	return strings.NewReplacer(back...).Replace(text)
}

// block is a part of a page: what is in a fence, or between two, each with whole
// lines. The lines of the fences are between them.
type block struct{ language, text string }

func split(page string) []block {
	out := []block{{}}
	for line := range strings.Lines(page) {
		at := &out[len(out)-1]
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && at.language == "":
			at.text += line
			out = append(out, block{language: language + " "}) // one without a language is one, too
		case fence:
			out = append(out, block{text: line})
		default:
			at.text += line
		}
	}
	for i := range out {
		out[i].language = strings.TrimSpace(out[i].language)
	}
	return out
}

// trimmed is text without empty lines around it.
func trimmed(text string) string {
	text = strings.Trim(text, "\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// command is one with what it prints, and the empty lines after it; those at the
// beginning and the end of what it prints do not count.
type command struct{ text, output, gap string }

func (b block) commands() []command {
	var out []command
	for line := range strings.Lines(b.text) {
		text, ok := strings.CutPrefix(line, "$ ")
		switch {
		case ok:
			out = append(out, command{text: strings.TrimSuffix(text, "\n")})
		case len(out) > 0 && out[len(out)-1].output == "" && strings.HasSuffix(out[len(out)-1].text, `\`):
			out[len(out)-1].text += "\n" + strings.TrimSuffix(line, "\n")
		case len(out) > 0:
			out[len(out)-1].output += line
		}
	}
	for i := range out {
		c := &out[i]
		end := len(strings.TrimRight(c.output, "\n"))
		if end > 0 {
			end++
		}
		c.output, c.gap = c.output[:end], c.output[end:]
	}
	return out
}

// matches reports whether a command printed what a page has.
func matches(page, printed string) bool {
	parts := strings.Split("\n"+settled(page), "\n…\n")
	rest := "\n" + settled(printed)
	for i, part := range parts {
		if i > 0 {
			part = "\n" + part
		}
		switch {
		case i == 0 && i == len(parts)-1:
			return part == rest
		case i == 0:
			if !strings.HasPrefix(rest, part) {
				return false
			}
			rest = rest[len(part):]
		case i == len(parts)-1:
			return part == "\n" || strings.HasSuffix(rest, part)
		default:
			at := strings.Index(rest, part)
			if at < 0 {
				return false
			}
			rest = rest[at+len(part):]
		}
	}
	return false
}

// varying is what differs from run to run: digests, numbers with units, and days.
// A time is left out where it is too short to tell.
var (
	varying = regexp.MustCompile(`sha256:[0-9a-f]+|\b\d+(\.\d+)? ?(ms|s|min|m|h|B|kB|MB|GB)\b|\d{4}-\d\d-\d\d( \d\d:\d\d)?`)
	times   = regexp.MustCompile(` \((took|saves) [^)]*\)|, saved ~[^)]*`)
)

func settled(text string) string {
	return varying.ReplaceAllString(times.ReplaceAllString(text, ""), "N")
}

// Program makes a folder for PATH in which a program has its name.
func Program(t *testing.T, file string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Symlink(file, filepath.Join(dir, filepath.Base(file))); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s%c%s", dir, os.PathListSeparator, os.Getenv("PATH"))
}
