package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	"mvdan.cc/sh/v3/shell"

	"github.com/pgstrata/pgstrata/imagediff"
)

// manifestFile is the file of an archive that says what text cannot.
const manifestFile = ".manifest"

// specimen is one Dockerfile with its tree, and what is to come of it. It is
// written as a txtar archive: a sentence that says what it is about, settings
// (each a line `key: value`), the files, and a manifest.
//
//	option: build-arg:PG_MAJOR=16     an option of the frontend
//	context: extra=vendor             a named context: a folder of the tree
//	secret: token=value               a secret
//	image: onbuild Dockerfile.base    an image that is built first and pushed as localhost:5000/corpus/onbuild
//	fails: 3                          the exit code of what fails
//	mistake: not found                part of the error, where no program is run that fails
//	differs: layered file system: /a  a file, or the "output" of what failed, that is meant to differ, and why (see meant)
//	edit: append app/x more           an edit after which both build again (see specimen.apply)
//	expect: setup.sh split into 3     part of a decision; one line for each decision, in order
//	expect: nothing                   there is no decision
type specimen struct {
	name  string
	about string
	// options are the frontend's; a context or an image is one as well.
	options  map[string]string
	contexts map[string]string // folder by name
	secrets  map[string][]byte
	images   []prebuilt
	edits    []string
	fails    int
	free     bool // it may fail, as long as both builds do
	mistake  string
	differs  map[string]string // the meant difference by what has it
	// expect are parts of the decisions; decided says that they are all.
	expect  []string
	decided bool
	tree
}

// prebuilt is an image that has to be there before the build.
type prebuilt struct{ name, dockerfile string }

// tree is the files of a build context.
type tree struct {
	files    []txtar.File
	manifest []action
}

// action is a line of the manifest, such as `mode 4755 setup/run.sh`.
type action []string

func readSpecimen(file string) (*specimen, error) {
	data, err := os.ReadFile(file) //nolint:gosec // a test's own file
	if err != nil {
		return nil, err
	}
	s, err := parseSpecimen(strings.TrimSuffix(filepath.Base(file), ".txtar"), data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func parseSpecimen(name string, data []byte) (*specimen, error) {
	archive := txtar.Parse(data)
	s := &specimen{
		name: name, options: map[string]string{}, contexts: map[string]string{}, secrets: map[string][]byte{}, differs: map[string]string{},
	}
	about, settings, _ := strings.Cut(strings.TrimSpace(string(archive.Comment)), "\n\n")
	s.about = strings.ReplaceAll(about, "\n", " ")
	for line := range strings.Lines(settings) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := s.set(line); err != nil {
			return nil, err
		}
	}
	for _, f := range archive.Files {
		if f.Name != manifestFile {
			s.files = append(s.files, f)
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			words, err := shell.Fields(line, func(string) string { return "" })
			if err != nil {
				return nil, fmt.Errorf("manifest: %s: %w", line, err)
			}
			if len(words) > 0 {
				s.manifest = append(s.manifest, words)
			}
		}
	}
	return s, nil
}

// set takes one setting.
func (s *specimen) set(line string) (err error) {
	key, value, ok := strings.Cut(line, ": ")
	name, rest, pair := strings.Cut(value, "=")
	switch {
	case ok && key == "option" && pair:
		s.options[name] = rest
	case ok && key == "context" && pair:
		s.contexts[name] = rest
	case ok && key == "secret" && pair:
		s.secrets[name] = []byte(rest)
	case ok && key == "image":
		name, file, _ := strings.Cut(value, " ")
		s.images = append(s.images, prebuilt{name, file})
	case ok && key == "edit":
		s.edits = append(s.edits, value)
	case ok && key == "fails":
		s.fails, err = strconv.Atoi(value)
	case ok && key == "mistake":
		s.mistake = value
	case ok && key == "differs":
		why, where, _ := strings.Cut(value, ": ")
		if !slices.ContainsFunc(imagediff.Meant(), func(d imagediff.Difference) bool { return d.What == why }) {
			return fmt.Errorf("%q is no difference that is meant", why)
		}
		s.differs[where] = why
	case ok && key == "expect":
		s.decided = true
		if value != "nothing" {
			s.expect = append(s.expect, value)
		}
	default:
		return fmt.Errorf("%q is no setting", line)
	}
	return err
}

// specimens reads all archives of a folder.
func specimens(t *testing.T, dir string) []*specimen {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	require.NoError(t, err)
	var out []*specimen
	for _, file := range files {
		s, err := readSpecimen(file)
		require.NoError(t, err)
		out = append(out, s)
	}
	return out
}
