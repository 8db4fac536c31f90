package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tagVersion is the version in a tag: v1.2.3, REL_17_2, release-4.0.7.
var tagVersion = regexp.MustCompile(`^(.*?)(\d+(?:([._])\d+(?:[._]\d+)*)?)$`)

// taken is a tag taken apart: what is in front of its version, the sign between
// numbers, and the numbers.
type taken struct {
	prefix, sign string
	version      []int
}

func takeTag(tag string) (taken, bool) {
	m := tagVersion.FindStringSubmatch(tag)
	if m == nil {
		return taken{}, false
	}
	t := taken{prefix: m[1], sign: m[3]}
	for part := range strings.FieldsFuncSeq(m[2], func(r rune) bool { return r == '.' || r == '_' }) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return taken{}, false
		}
		t.version = append(t.version, n)
	}
	return t, true
}

// newestTag is the newest tag of those that are written as a tag is and come after
// it, "" for none. What is behind a version, such as -rc1, makes a tag another kind.
func newestTag(tag string, all []string) string {
	have, ok := takeTag(tag)
	if !ok {
		return ""
	}
	newest := ""
	for _, other := range all {
		o, ok := takeTag(other)
		alike := ok && o.prefix == have.prefix && (o.sign == have.sign || o.sign == "" || have.sign == "")
		if alike && slices.Compare(o.version, have.version) > 0 {
			newest, have = other, o
		}
	}
	return newest
}

// remoteTags are the tags of a git repository, asked with the user's own git and
// credentials.
func remoteTags(ctx context.Context, repository string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "git", "ls-remote", "--tags", "--refs", "--", repository)
	cmd.Env = append(cmd.Environ(), "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-remote %s: %w", repository, err)
	}
	var tags []string
	for line := range strings.Lines(string(out)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "refs/tags/"); ok {
			tags = append(tags, name)
		}
	}
	return tags, nil
}
