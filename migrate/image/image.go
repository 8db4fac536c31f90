// Package image carries over what a container is started with: the image's
// configuration, and the files of its entrypoint.
package image

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// settings are the image's configuration and its entrypoint in the making.
type settings struct{ *files.Classified }

// Configure carries over what the image is told to be, and the files of its
// entrypoint.
func Configure(c *files.Classified) {
	m := settings{c}
	m.configuration()
	m.entrypointFiles()
}

// configuration carries over what `docker inspect` shows.
func (m settings) configuration() {
	cmdStage := (*dockerfile.StageReading)(nil)
	for _, step := range m.Configured() {
		went := func(where string) { m.Report.Record(step.Start, report.Carried, "%s", where) }
		lost := func(format string, args ...any) { m.Report.Record(step.Start, report.Lost, format, args...) }
		switch c := step.Command.(type) {
		case *instructions.EnvCommand:
			m.env(step, c)
		case *instructions.LabelCommand:
			for _, kv := range c.Labels {
				key, known := step.Scope.Expand(kv.Key)
				if !known {
					lost("its key depends on the base image's environment")
				} else if text, ok := m.value(step, "image.labels", kv.Value, "its value", func(text string) buildfile.Image {
					return buildfile.Image{Labels: []buildfile.Pair{{Key: key, Text: text}}}
				}); ok {
					set(&m.Out.Image.Labels, buildfile.Pair{Key: key, Text: text}, m.Comments(step.Instruction))
				}
			}
		case *instructions.MaintainerCommand:
			set(&m.Out.Image.Labels, buildfile.Pair{Key: "org.opencontainers.image.authors", Text: notation.Escaped(c.Maintainer)}, nil)
			went("image.labels, since MAINTAINER is deprecated")
			m.Report.Differ("who maintains the image is a label", nil, []string{"Author", "Labels"})
		case *instructions.ExposeCommand:
			for _, port := range c.Ports {
				m.expose(step, port)
			}
			m.keep("image.expose", step)
		case *instructions.VolumeCommand:
			for _, v := range c.Volumes {
				if text, ok := m.value(step, "image.volumes", v, v, func(text string) buildfile.Image { return buildfile.Image{Volumes: []string{text}} }); ok {
					m.Out.Image.Volumes = append(m.Out.Image.Volumes, text)
				}
			}
			m.keep("image.volumes", step)
		case *instructions.StopSignalCommand:
			if text, ok := m.value(step, "image.stop_signal", c.Signal, "the signal", func(text string) buildfile.Image { return buildfile.Image{StopSignal: text} }); ok {
				m.Out.Image.StopSignal = text
				m.keep("image.stop_signal", step)
			}
		case *instructions.UserCommand:
			m.userInstruction(step, c)
		case *instructions.WorkdirCommand:
			m.workingDir(step)
		case *instructions.HealthCheckCommand:
			m.healthcheck(step, c)
		case *instructions.CmdCommand:
			words := line(c.CmdLine, c.PrependShell, step.Scope.Shell)
			if !m.Fits(step, buildfile.Image{Cmd: words}) {
				continue
			}
			m.Out.Image.Cmd, cmdStage = words, step.Stage
			went("image.cmd")
			m.keep("image.cmd", step)
			m.Report.Differ("a field of Windows' images is not set", nil, []string{"ArgsEscaped"})
		case *instructions.EntrypointCommand:
			words := line(c.CmdLine, c.PrependShell, step.Scope.Shell)
			if len(words) > 0 && !m.Fits(step, buildfile.Image{Entrypoint: words}) {
				continue
			}
			m.Out.Image.Entrypoint = words
			if cmdStage != nil && cmdStage != step.Stage {
				m.Out.Image.Cmd = nil // a later stage's ENTRYPOINT resets it
			}
			if len(words) == 0 {
				m.Out.Image.Entrypoint = []string{}
				went("image.entrypoint")
			}
			m.keep("image.entrypoint", step)
		case *instructions.OnbuildCommand:
			lost("a build file has no instructions for images that are built on its image")
		case *instructions.ShellCommand:
			went("the first lines of generated scripts")
			m.Report.Differ("SHELL is no part of the image's configuration", nil, []string{"Shell"})
		}
	}
	m.entrypoint()
	last, _ := draft.LastOf[*instructions.UserCommand](m.Draft)
	if u := m.Out.User; u != nil && last == nil {
		m.Out.Image.User = "root"
		m.Out.Notes["image.user"] = append(m.Out.Notes["image.user"], "as the Dockerfile, which has no USER")
		m.Report.Differ("that the container starts as root is said", nil, []string{"User"})
	}
}

// value is a word of an instruction for a key of image; ok is false where that is lost,
// which is told.
func (m settings) value(step *dockerfile.Step, key, word, what string, with func(text string) buildfile.Image) (text string, ok bool) {
	text, exact := m.TextAt(word, step, m.NamesAt(step))
	if !exact && key == "image.labels" {
		text, exact = m.SettingText(word, step)
	}
	switch {
	case !exact:
		m.Report.Record(step.Start, report.Lost, "%s depends on the base image's environment", what)
	case m.Fits(step, with(text)):
		m.Report.Record(step.Start, report.Carried, "%s", key)
		return text, true
	}
	return "", false
}

// line is the command line of an instruction, through its shell where it has
// one.
func line(words []string, shellForm bool, shell []string) []string {
	if !shellForm {
		return words
	}
	return append(slices.Clone(shell), strings.Join(words, " "))
}

// set adds a pair, or gives one that is there another value.
func set(list *[]buildfile.Pair, p buildfile.Pair, notes []string) {
	p.Notes = notes
	if i := slices.IndexFunc(*list, func(o buildfile.Pair) bool { return o.Key == p.Key }); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	*list = append(*list, p)
}

// keep keeps the comments of an instruction for a key of the build file.
func (m settings) keep(key string, step *dockerfile.Step) {
	m.Out.Notes[key] = append(m.Out.Notes[key], m.Comments(step.Instruction)...)
}

func (m settings) env(step *dockerfile.Step, c *instructions.EnvCommand) {
	notes := m.Comments(step.Instruction)
	known := m.lateNames(step, c)
	for _, kv := range c.Env {
		text, ok := m.TextAt(kv.Value, step, known)
		if !ok {
			m.Report.Record(step.Start, report.Lost, "the value of %s cannot be written", kv.Key)
			continue
		}
		a := m.Arg(kv.Key)
		if v, ok := step.Scope.Expand(kv.Value); ok && a != nil && v == m.Values[kv.Key] && (a.FromEnv || m.Seen[kv.Key]) {
			if !a.FromEnv && !strings.Contains(text, "${"+kv.Key+"}") {
				m.Report.Note(m.Where(step.Start), "ENV sets %s whatever the ARG of that name says; here setup scripts and the image have the value of the argument", kv.Key)
			}
			text = "${" + kv.Key + "}" // one truth
		}
		if !m.Fits(step, buildfile.Image{Env: []buildfile.Pair{{Key: kv.Key, Text: text}}}) {
			continue
		}
		set(&m.Out.Image.Env, buildfile.Pair{Key: kv.Key, Text: text}, notes)
		notes = nil
		m.Report.Record(step.Start, report.Carried, "image.env.%s", kv.Key)
		if a != nil && m.Seen[kv.Key] && !slices.Contains(a.Lines, step.Start) {
			m.Report.Record(step.Start, report.Carried, "args.%s, for setup scripts", kv.Key)
		}
	}
}

// lateNames are what the image's environment may refer to: args, the variables
// above, and those of the base.
func (m settings) lateNames(step *dockerfile.Step, c *instructions.EnvCommand) notation.Names {
	args := m.NamesAt(step)
	above := map[string]string{}
	for _, p := range m.Out.Image.Env {
		above[p.Key] = p.Text
	}
	return func(name string) (string, bool) {
		_, base := m.BaseEnv[name]
		ofBase := m.Arg(name) == nil && (base || step.Scope.Open) // an arg of that name would be meant
		own, isAbove := above[name]
		if _, is := draft.EnvValue(step, name); is {
			// The instruction's variables see what was before it.
			text, isArg := args(name)
			switch {
			case isArg:
				return text, true
			case isAbove:
				return own, strings.Contains(own, "${")
			}
			return m.BaseText(name), ofBase && onlyInstruction(step, c, name)
		}
		if isAbove {
			return "${" + name + "}", true
		}
		if text, ok := args(name); ok {
			return text, true
		}
		_, set := step.Scope.Env[name]
		return m.BaseText(name), ofBase && (base || !set)
	}
}

// onlyInstruction reports whether no variable that an ENV sets behind another one
// refers to that, so that none sees its new value.
func onlyInstruction(step *dockerfile.Step, c *instructions.EnvCommand, name string) bool {
	at := slices.IndexFunc(c.Env, func(kv instructions.KeyValuePair) bool { return kv.Key == name })
	return !slices.ContainsFunc(c.Env[at+1:], func(kv instructions.KeyValuePair) bool { return step.Scope.Mentions(kv.Value, name) })
}

// expose carries over a port, or a range of them.
func (m settings) expose(step *dockerfile.Step, port string) {
	text, exact := m.TextAt(port, step, m.NamesAt(step))
	v, _ := step.Scope.Expand(port)
	ports, proto, _ := strings.Cut(v, "/")
	from, to, isRange := strings.Cut(ports, "-")
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if proto != "" {
		proto = "/" + proto
	}
	switch {
	case !exact:
		m.Report.Record(step.Start, report.Lost, "the port %s depends on the base image's environment", port)
		return
	case isRange && err1 == nil && err2 == nil && b-a < 1000 && a > 0 && b < 65536:
		for n := a; n <= b; n++ {
			m.Out.Image.Expose = append(m.Out.Image.Expose, strconv.Itoa(n)+proto)
		}
	case !m.Fits(step, buildfile.Image{Expose: []string{text}}):
		return
	default:
		m.Out.Image.Expose = append(m.Out.Image.Expose, text)
	}
	m.Report.Record(step.Start, report.Carried, "image.expose")
}

// userInstruction carries USER over: the last one counts for the container.
func (m settings) userInstruction(step *dockerfile.Step, c *instructions.UserCommand) {
	text, exact := m.SettingText(c.User, step)
	if !exact {
		m.Report.Record(step.Start, report.Lost, "the user depends on the base image's environment")
		return
	}
	if !m.Fits(step, buildfile.Image{User: text}) {
		return
	}
	m.Out.Image.User = text
	m.keep("image.user", step)
	if u := m.Out.User; u != nil && (text == u.Name || text == strconv.Itoa(u.UID)) {
		m.Out.Image.User = ""
		m.Report.Record(step.Start, report.Carried, "user")
		m.Report.Differ("the user is a number, so that an orchestrator can tell that it is not root", nil, []string{"User"})
		return
	}
	m.Report.Record(step.Start, report.Carried, "image.user")
}

// workingDir carries WORKDIR over.
func (m settings) workingDir(step *dockerfile.Step) {
	dir, ok := commands.Workdir(step)
	if !ok {
		m.Report.Record(step.Start, report.Lost, "the directory depends on the base image's environment")
		return
	}
	m.Out.Image.WorkingDir = m.DirectoryText(step, dir)
	if dir != "/" && !m.Fits(step, buildfile.Image{WorkingDir: m.Out.Image.WorkingDir}) {
		m.Out.Image.WorkingDir = ""
		return
	}
	if dir == "/" {
		m.Out.Image.WorkingDir = "" // the root is no image path to the build file
		m.Report.Note(m.Where(step.Start), "the working directory / is the base's, unless that has another")
	}
	m.Report.Record(step.Start, report.Carried, "image.working_dir")
	m.keep("image.working_dir", step)
}

func (m settings) healthcheck(step *dockerfile.Step, c *instructions.HealthCheckCommand) {
	h := c.Health
	switch {
	case len(h.Test) == 0 || h.Test[0] == "NONE":
		m.Out.Image.Health = &buildfile.Health{Command: []string{}}
		m.Report.Record(step.Start, report.Carried, "image.healthcheck")
		m.keep("image.healthcheck", step)
		return
	case h.StartInterval > 0:
		m.Report.Note(m.Where(step.Start), "--start-interval is not carried over; a build file has no such key")
		m.Report.Differ("the health check has no start interval", nil, []string{"Healthcheck"})
	}
	out := &buildfile.Health{Command: h.Test[1:], Interval: duration(h.Interval), Timeout: duration(h.Timeout), StartPeriod: duration(h.StartPeriod), Retries: h.Retries}
	if h.Test[0] == "CMD-SHELL" {
		out.Command = append(slices.Clone(step.Scope.Shell), h.Test[1:]...)
		m.Report.Differ("the health check names its shell", nil, []string{"Healthcheck"})
	}
	if !m.Fits(step, buildfile.Image{Health: out}) {
		return
	}
	m.Out.Image.Health = out
	m.Report.Record(step.Start, report.Carried, "image.healthcheck")
	m.keep("image.healthcheck", step)
}

// duration is a length of time as the build file has it, "" for none.
func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// entrypoint makes the entrypoint script of what ENTRYPOINT runs, where that is
// where a build file has it.
func (m settings) entrypoint() {
	words := m.Out.Image.Entrypoint
	step, _ := draft.LastOf[*instructions.EntrypointCommand](m.Draft)
	if step == nil || len(words) == 0 {
		return
	}
	for _, f := range m.Copies {
		if f.Class == commands.AtRuntime && f.Target == "/entrypoint.sh" && m.Startable(f.Source) && f.ImageMode.Perm() == 0o755 && f.UID == 0 && f.GID == 0 {
			f.Entrypoint = true
			source := notation.EscapedGlob(f.Source)
			m.Out.Entrypoint = &source
			m.Report.Record(f.By.Start, report.Carried, "entrypoint.entrypoint_script")
			if slices.Equal(words, []string{f.Target}) {
				m.Out.Image.Entrypoint = nil
				m.Report.Record(step.Start, report.Carried, "entrypoint.entrypoint_script")
				return
			}
		}
	}
	m.Report.Record(step.Start, report.Carried, "image.entrypoint")
}

// installRoot is where entrypoint files without a target of their own go.
const installRoot = spec.InstallRoot
