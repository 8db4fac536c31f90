package corpus

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// mismatch is one difference between two builds: of a file by its path, of the
// "configuration", the "output" and so on.
type mismatch struct{ where, what string }

// judge compares two outcomes with each other, and with what the specimen says.
func (s *specimen) judge(want, got *outcome) []string {
	var found []mismatch
	switch {
	case (want.err == nil) != (got.err == nil):
		found = append(found, mismatch{"end", fmt.Sprintf("\n\t- %s\n\t+ %s", first(want.err), first(got.err))})
	case want.err != nil:
		found = compareFailures(want, got)
	default:
		found = compare(want.image, got.image)
	}
	var out []string
	for _, m := range found {
		if s.differs[m.where] == "" {
			out = append(out, m.where+": "+m.what)
		}
	}
	for _, where := range sortedKeys(s.differs) {
		if !slices.ContainsFunc(found, func(m mismatch) bool { return m.where == where }) {
			out = append(out, where+" does not differ")
		}
	}
	switch code := exitCode(want.err); {
	case s.free:
	case code != s.fails:
		out = append(out, fmt.Sprintf("the exit code is %d, and %d is expected: %s", code, s.fails, first(want.err)))
	case code == 0 && (want.err != nil) != (s.mistake != ""), !strings.Contains(first(want.err), s.mistake):
		out = append(out, fmt.Sprintf("dockerfile.v0: %s; the error %q is expected", first(want.err), s.mistake))
	}
	if decisions := decisions(got.trace); s.decided && !s.expects(decisions) {
		out = append(out, fmt.Sprintf("decisions: %q, and %q are expected", decisions, s.expect))
	}
	return out
}

// expects reports whether the decisions are those that the specimen expects. Those
// of one line come in any order.
func (s *specimen) expects(decisions []string) bool {
	rest := slices.Clone(decisions)
	for _, part := range s.expect {
		at := slices.IndexFunc(rest, func(decision string) bool { return strings.Contains(decision, part) })
		if at < 0 {
			return false
		}
		rest = slices.Delete(rest, at, at+1)
	}
	return len(rest) == 0
}

// decisions are what pgstrata told of the Dockerfile, by its lines.
func decisions(trace *testenv.Trace) []string {
	var out []string
	for _, v := range trace.Find("[pgstrata] ") {
		out = append(out, strings.TrimPrefix(v.Name, "[pgstrata] "))
	}
	line := func(decision string) int {
		_, rest, _ := strings.Cut(decision, ":")
		number, _, _ := strings.Cut(rest, ":")
		n, _ := strconv.Atoi(number) // 0 is no line, and what the test sees
		return n
	}
	slices.SortStableFunc(out, func(a, b string) int { return line(a) - line(b) })
	return out
}

// compareFailures compares two builds that failed: the exit code, the line of
// the Dockerfile, and what the step that failed printed. The unsplit step has
// printed what came before it as well.
func compareFailures(want, got *outcome) []mismatch {
	var out []mismatch
	differ := func(where, a, b string) {
		if a != b {
			out = append(out, mismatch{where, fmt.Sprintf("\n\t- %s\n\t+ %s", a, b)})
		}
	}
	differ("exit code", strconv.Itoa(exitCode(want.err)), strconv.Itoa(exitCode(got.err)))
	differ("line", places(want.err), places(got.err))
	if a, b := printed(want.trace), printed(got.trace); !endsWith(a, b) || b == "" && !toldBefore(a, got.trace) {
		differ("output", a, b)
	}
	if exitCode(want.err) == 0 { // else the message names the command, which is another
		differ("error", first(want.err), first(got.err))
	}
	return out
}

// toldBefore reports whether steps have printed each line of an output: those ahead of
// one that failed without a word.
func toldBefore(output string, trace *testenv.Trace) bool {
	logs := strings.Split(trace.Logs(""), "\n")
	return !slices.ContainsFunc(strings.Split(output, "\n"), func(line string) bool { return !slices.Contains(logs, line) })
}

// endsWith reports whether the last lines of an output are those of another, in
// any order: a step's two streams come to the daemon as they come.
func endsWith(all, end string) bool {
	a, b := strings.Split(all, "\n"), strings.Split(end, "\n")
	if len(b) > len(a) {
		return false
	}
	a = a[len(a)-len(b):]
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// printed is the output of the step that failed. What rm complains of comes
// sorted: it goes through a directory in an order that nobody promises. Of a
// script that is not executable it does not say which shell tells of it, as a
// driver that was split is not there to tell.
func printed(trace *testenv.Trace) string {
	refused := regexp.MustCompile(`(?m)^\S+: (?:(?:line )?\d+: )?(\S+: Permission denied)$`)
	for _, v := range trace.Vertices {
		stopped := strings.HasPrefix(v.Log, "runc run failed: container process is already dead") // as another step failed
		if v.Error != "" && v.Log != "" && !stopped {
			lines := strings.SplitAfter(refused.ReplaceAllString(v.Log, "$1"), "\n")
			of := func(line string) bool { return strings.HasPrefix(line, "rm: ") }
			for from := 0; from < len(lines); from++ {
				to := from
				for to < len(lines) && of(lines[to]) {
					to++
				}
				slices.Sort(lines[from:to])
				from = max(from, to)
			}
			return strings.Join(lines, "")
		}
	}
	return ""
}

// exitCode is 0 when no program has failed.
func exitCode(err error) int {
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		return int(exit.ExitCode)
	}
	return 0
}

// places are the lines of the Dockerfile that an error points at.
func places(err error) string {
	lines := map[string]bool{}
	for _, source := range errdefs.Sources(err) {
		for _, r := range source.Ranges {
			for n := r.Start.Line; n <= r.End.Line; n++ {
				lines[fmt.Sprintf("%s:%3d", source.Info.GetFilename(), n)] = true
			}
		}
	}
	return strings.Join(sortedKeys(lines), ", ")
}

// first is an error's first line, without what names the build itself.
func first(err error) string {
	if err == nil {
		return "built"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	if before, rest, is := strings.Cut(line, "checksum of ref "); is {
		_, after, _ := strings.Cut(rest, ": ")
		line = before + "checksum of a ref: " + after
	}
	return line
}
