package rules

import (
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
)

// The kinds of settings that turn checks of downloads off, by the program that reads
// them.
const (
	aptSettings      = "apt"
	sourcesOfApt     = "sources.list"
	yumSettings      = "yum"
	zyppSettings     = "zypp"
	pacmanSettings   = "pacman"
	pipSettings      = "pip"
	npmSettings      = "npm"
	gitSettings      = "git"
	curlSettings     = "curl"
	wgetSettings     = "wget"
	condaSettings    = "conda"
	composerSettings = "composer"
	gemSettings      = "gem"
	// anySettings are those of a file whose name is not known.
	anySettings = "any"
)

// settingsOf is the kind of the settings in a file of an image, "" for any other
// file.
func settingsOf(target string) string {
	base, dir := path.Base(target), path.Dir(target)
	switch {
	case target == "":
		return anySettings
	case base == "sources.list" || path.Base(dir) == "sources.list.d":
		return sourcesOfApt
	case base == "apt.conf" || path.Base(dir) == "apt.conf.d":
		return aptSettings
	case path.Ext(base) == ".repo" || base == "yum.conf" || base == "dnf.conf":
		return yumSettings
	}
	switch strings.TrimPrefix(base, ".") {
	case "zypp.conf":
		return zyppSettings
	case "pacman.conf":
		return pacmanSettings
	case "pip.conf", "pip.ini":
		return pipSettings
	case "npmrc", "yarnrc", "yarnrc.yml":
		return npmSettings
	case "gitconfig":
		return gitSettings
	case "curlrc":
		return curlSettings
	case "wgetrc":
		return wgetSettings
	case "condarc", "mambarc":
		return condaSettings
	case "gemrc":
		return gemSettings
	}
	return ""
}

// turnedOff are the checks that lines of a file turn off, by their numbers.
func turnedOff(target string, lines []string) map[int]guard {
	out := map[int]guard{}
	kind := settingsOf(target)
	for i, line := range lines {
		if what := lineOff(kind, strings.TrimSpace(line)); what != "" && (what != signatures || !onlyFolders(lines)) {
			out[i] = what
		}
	}
	return out
}

// onlyFolders tells whether all repositories of a file are folders of the image.
func onlyFolders(lines []string) bool {
	folders := false
	for _, line := range lines {
		switch key, value, _ := strings.Cut(line, "="); strings.TrimSpace(key) {
		case "baseurl", "mirrorlist", "metalink":
			if !strings.HasPrefix(strings.TrimSpace(value), "file:") {
				return false
			}
			folders = true
		}
	}
	return folders
}

// lineOff is the check that a line of settings turns off, "" for none.
func lineOff(kind, line string) guard {
	switch {
	case kind == "" || isCommentLine(line):
		return ""
	case kind == curlSettings && strings.TrimLeft(line, "-") == "insecure":
		return answers
	case (kind == sourcesOfApt || kind == anySettings) && trusted(line):
		return signatures
	case kind == sourcesOfApt:
		key, value, ok := keyValue(line)
		if ok && strings.EqualFold(key, "trusted") && saysYes(value) {
			return signatures
		}
		return ""
	}
	return settingOff(kind, line)
}

// trusted tells whether a line of sources.list takes an archive without a key. One
// that is a folder of the image comes over no network.
func trusted(line string) bool {
	rest, ok := strings.CutPrefix(line, "deb")
	options, ended := strings.CutPrefix(strings.TrimPrefix(rest, "-src"), " ")
	options, bracketed := strings.CutPrefix(strings.TrimSpace(options), "[")
	options, address, closed := strings.Cut(options, "]")
	if !ok || !ended || !bracketed || !closed || slices.ContainsFunc([]string{"file:", "copy:", "cdrom:"}, func(scheme string) bool {
		return strings.HasPrefix(strings.TrimSpace(address), scheme)
	}) {
		return false
	}
	return slices.ContainsFunc(strings.Fields(options), func(o string) bool {
		key, value, _ := strings.Cut(o, "=")
		return key == "trusted" && saysYes(value)
	})
}

// settingOff is the check that a setting of a kind turns off: KEY=VALUE, KEY: VALUE,
// or in apt's own way KEY "VALUE".
func settingOff(kind, line string) guard {
	is := func(kinds ...string) bool { return kind == anySettings || slices.Contains(kinds, kind) }
	key, value, ok := keyValue(strings.TrimPrefix(line, ":"))
	if at := strings.IndexAny(line, " \t="); at > 0 && strings.Contains(line[:at], "::") {
		key, value, ok = line[:at], strings.Trim(line[at+1:], " \t\";"), true
	}
	if at := strings.LastIndex(line, "="); at > 0 && kind == gitSettings { // http.https://example.org.sslVerify
		key, value, ok = strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:]), true
	}
	if !ok {
		return ""
	}
	key = strings.ToLower(key[strings.LastIndexAny(key, ".:/")+1:])
	switch key {
	case "allowunauthenticated", "allowinsecurerepositories", "allowdowngradetoinsecurerepositories":
		if is(aptSettings) && saysYes(value) {
			return signatures
		}
	case "verify-peer", "verify-host":
		if is(aptSettings) && saysNo(value) {
			return answers
		}
	case "gpgcheck", "pkg_gpgcheck":
		if is(yumSettings, zyppSettings) && saysNo(value) {
			return signatures
		}
	case "siglevel":
		if is(pacmanSettings) && slices.ContainsFunc(strings.Fields(value), saysNo) {
			return signatures
		}
	case "sslverify":
		if is(yumSettings, gitSettings) && saysNo(value) {
			return answers
		}
	case "strict-ssl", "enablestrictssl":
		if is(npmSettings) && saysNo(value) {
			return answers
		}
	case "trusted-host":
		if is(pipSettings) && value != "" && !isOwnHost(value) {
			return answers
		}
	case "check_certificate", "check-certificate", "checkcertificate":
		if is(wgetSettings) && saysNo(value) {
			return answers
		}
	case "ssl_verify":
		if is(condaSettings) && saysNo(value) {
			return answers
		}
	case "disable-tls":
		if kind == composerSettings && saysYes(value) {
			return answers
		}
	case "secure-http":
		if kind == composerSettings && saysNo(value) {
			return answers
		}
	case "ssl_verify_mode":
		if kind == gemSettings && saysNo(value) {
			return answers
		}
	}
	return ""
}

// writtenText is what a command writes to a file: target is its path, "" where that is
// not known.
type writtenText struct {
	target   string
	lines    []string
	pos, end shell.Pos
}

// written is what a command writes, as far as its own text has it: that of echo,
// printf and here-documents, and what sed puts in the place of other text.
func written(c *shell.Call) []writtenText {
	var out []writtenText
	target := ""
	for _, r := range c.Redirects {
		if r.Writes() && r.Target.Known {
			target = r.Target.Value
		}
	}
	add := func(target, text string, pos, end shell.Pos) {
		out = append(out, writtenText{target, strings.Split(text, "\n"), pos, end})
	}
	files := check.Operands(c, "-e", "-f")
	switch c.Name {
	case "echo":
		var all []string
		for _, w := range c.Args {
			all = append(all, plain(w))
		}
		add(target, strings.Join(all, " "), c.Pos, c.End)
	case "printf":
		for _, w := range c.Args {
			add(target, plain(w), w.Pos, w.End)
		}
	case "add-apt-repository", "apt-add-repository":
		for _, w := range c.Args {
			add("/etc/apt/sources.list", plain(w), w.Pos, w.End)
		}
	case "sed":
		if len(files) > 0 && files[len(files)-1].Known {
			target = files[len(files)-1].Value
		}
		for _, w := range c.Args {
			add(target, strings.Join(replacements(plain(w)), "\n"), w.Pos, w.End)
		}
	case "tee":
		if len(files) > 0 && files[0].Known {
			target = files[0].Value
		}
	}
	for _, r := range c.Redirects {
		if strings.HasPrefix(r.Op, "<<") && (target != "" || c.Name == "cat" || c.Name == "tee") {
			add(target, plain(r.Body), r.Pos, r.Pos)
		}
	}
	return out
}

// plain is a word's text without quotes, with the line ends that printf makes: its
// value, or else what is written.
func plain(w shell.Word) string {
	text, ok := w.Literal()
	if !ok {
		text = strings.NewReplacer(`"`, "", "'", "").Replace(w.Text)
	}
	return strings.ReplaceAll(text, `\n`, "\n")
}

// replacements are what the commands of sed put in the place of other text.
func replacements(script string) []string {
	var out []string
	for command := range strings.FieldsFuncSeq(script, func(r rune) bool { return r == ';' || r == '\n' }) {
		at := strings.Index(command, "s")
		if at < 0 || at+1 >= len(command) || at > 0 && !strings.ContainsAny(command[at-1:at], "/{ ") {
			continue
		}
		if parts := strings.Split(command[at+2:], command[at+1:at+2]); len(parts) >= 3 {
			out = append(out, parts[1])
		}
	}
	return out
}

// copiedSettings are the files of settings that are copied, with their places in the
// image.
func copiedSettings(p *check.Pass) map[string]string {
	found := map[string]string{}
	for target, f := range p.Targets {
		if settingsOf(target) != "" {
			found[f.Source] = target
		}
	}
	for step := range copies(p) {
		for _, f := range step.Copy.Files {
			if settingsOf(f.Target) != "" {
				found[f.Source] = f.Target
			}
		}
	}
	return found
}

// copiedTexts are the here-documents of COPY.
func copiedTexts(p *check.Pass) iter.Seq2[*dockerfile.Step, dockerfile.CopiedText] {
	return func(yield func(*dockerfile.Step, dockerfile.CopiedText) bool) {
		for step := range copies(p) {
			for _, text := range step.Copy.Texts {
				if !yield(step, text) {
					return
				}
			}
		}
	}
}

// copies are the instructions that copy from the build context.
func copies(p *check.Pass) iter.Seq[*dockerfile.Step] {
	return func(yield func(*dockerfile.Step) bool) {
		for step := range steps(p) {
			if step.Copy != nil && step.Copy.From == "" && !yield(step) {
				return
			}
		}
	}
}

// steps are the instructions of the stages of a Dockerfile in which anything runs.
func steps(p *check.Pass) iter.Seq[*dockerfile.Step] {
	return func(yield func(*dockerfile.Step) bool) {
		if p.Input.Dockerfile == nil {
			return
		}
		seen := map[*dockerfile.Step]bool{}
		for _, stage := range p.Input.Dockerfile.Stages {
			for _, step := range stage.All() {
				if seen[step] {
					continue
				}
				if seen[step] = true; !yield(step) {
					return
				}
			}
		}
	}
}
