package migrate

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// settings are the image's configuration and its entrypoint in the making.
type settings struct{ *classified }

// configure carries over what the image is told to be, and the files of its
// entrypoint.
func configure(c *classified) {
	m := settings{c}
	m.configuration()
	m.entrypointFiles()
}

// configuration carries over what `docker inspect` shows.
func (m settings) configuration() {
	cmdStage := (*dockerfile.StageReading)(nil)
	for _, step := range m.configured() {
		went := func(where string) { m.report.went(step.Start, Carried, "%s", where) }
		lost := func(format string, args ...any) { m.report.went(step.Start, Lost, format, args...) }
		switch c := step.Command.(type) {
		case *instructions.EnvCommand:
			m.env(step, c)
		case *instructions.LabelCommand:
			for _, kv := range c.Labels {
				key, known := step.Scope.Expand(kv.Key)
				if !known {
					lost("its key depends on the base image's environment")
				} else if text, ok := m.value(step, "image.labels", kv.Value, "its value", func(text string) image { return image{labels: []pair{{key: key, text: text}}} }); ok {
					set(&m.out.image.labels, pair{key: key, text: text}, m.comments(step.Instruction))
				}
			}
		case *instructions.MaintainerCommand:
			set(&m.out.image.labels, pair{key: "org.opencontainers.image.authors", text: escaped(c.Maintainer)}, nil)
			went("image.labels, since MAINTAINER is deprecated")
			m.report.differ("who maintains the image is a label", nil, []string{"Author", "Labels"})
		case *instructions.ExposeCommand:
			for _, port := range c.Ports {
				m.expose(step, port)
			}
			m.keep("image.expose", step)
		case *instructions.VolumeCommand:
			for _, v := range c.Volumes {
				if text, ok := m.value(step, "image.volumes", v, v, func(text string) image { return image{volumes: []string{text}} }); ok {
					m.out.image.volumes = append(m.out.image.volumes, text)
				}
			}
			m.keep("image.volumes", step)
		case *instructions.StopSignalCommand:
			if text, ok := m.value(step, "image.stop_signal", c.Signal, "the signal", func(text string) image { return image{stopSignal: text} }); ok {
				m.out.image.stopSignal = text
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
			if !m.fits(step, image{cmd: words}) {
				continue
			}
			m.out.image.cmd, cmdStage = words, step.Stage
			went("image.cmd")
			m.keep("image.cmd", step)
			m.report.differ("a field of Windows' images is not set", nil, []string{"ArgsEscaped"})
		case *instructions.EntrypointCommand:
			words := line(c.CmdLine, c.PrependShell, step.Scope.Shell)
			if len(words) > 0 && !m.fits(step, image{entrypoint: words}) {
				continue
			}
			m.out.image.entrypoint = words
			if cmdStage != nil && cmdStage != step.Stage {
				m.out.image.cmd = nil // a later stage's ENTRYPOINT resets it
			}
			if len(words) == 0 {
				m.out.image.entrypoint = []string{}
				went("image.entrypoint")
			}
			m.keep("image.entrypoint", step)
		case *instructions.OnbuildCommand:
			lost("a build file has no instructions for images that are built on its image")
		case *instructions.ShellCommand:
			went("the first lines of generated scripts")
			m.report.differ("SHELL is no part of the image's configuration", nil, []string{"Shell"})
		}
	}
	m.entrypoint()
	last, _ := lastOf[*instructions.UserCommand](m.draft)
	if u := m.out.user; u != nil && last == nil {
		m.out.image.user = "root"
		m.out.notes["image.user"] = append(m.out.notes["image.user"], "as the Dockerfile, which has no USER")
		m.report.differ("that the container starts as root is said", nil, []string{"User"})
	}
}

// value is a word of an instruction for a key of image; ok is false where that is lost,
// which is told.
func (m settings) value(step *dockerfile.Step, key, word, what string, with func(text string) image) (text string, ok bool) {
	text, exact := m.textAt(word, step, m.namesAt(step))
	switch {
	case !exact:
		m.report.went(step.Start, Lost, "%s depends on the base image's environment", what)
	case m.fits(step, with(text)):
		m.report.went(step.Start, Carried, "%s", key)
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
func set(list *[]pair, p pair, notes []string) {
	p.notes = notes
	if i := slices.IndexFunc(*list, func(o pair) bool { return o.key == p.key }); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	*list = append(*list, p)
}

// keep keeps the comments of an instruction for a key of the build file.
func (m settings) keep(key string, step *dockerfile.Step) {
	m.out.notes[key] = append(m.out.notes[key], m.comments(step.Instruction)...)
}

func (m settings) env(step *dockerfile.Step, c *instructions.EnvCommand) {
	notes := m.comments(step.Instruction)
	known := m.lateNames(step, c)
	for _, kv := range c.Env {
		text, ok := m.textAt(kv.Value, step, known)
		if !ok {
			m.report.went(step.Start, Lost, "the value of %s cannot be written", kv.Key)
			continue
		}
		a := m.arg(kv.Key)
		if v, ok := step.Scope.Expand(kv.Value); ok && a != nil && v == m.values[kv.Key] && (a.fromEnv || m.seen[kv.Key]) {
			if !a.fromEnv && !strings.Contains(text, "${"+kv.Key+"}") {
				m.report.note(m.where(step.Start), "ENV sets %s whatever the ARG of that name says; here setup scripts and the image have the value of the argument", kv.Key)
			}
			text = "${" + kv.Key + "}" // one truth
		}
		if !m.fits(step, image{env: []pair{{key: kv.Key, text: text}}}) {
			continue
		}
		set(&m.out.image.env, pair{key: kv.Key, text: text}, notes)
		notes = nil
		m.report.went(step.Start, Carried, "image.env.%s", kv.Key)
		if a != nil && m.seen[kv.Key] && !slices.Contains(a.lines, step.Start) {
			m.report.went(step.Start, Carried, "args.%s, for setup scripts", kv.Key)
		}
	}
}

// lateNames are what the image's environment may refer to: args, the variables
// above, and those of the base.
func (m settings) lateNames(step *dockerfile.Step, c *instructions.EnvCommand) names {
	args := m.namesAt(step)
	above := map[string]string{}
	for _, p := range m.out.image.env {
		above[p.key] = p.text
	}
	return func(name string) (string, bool) {
		_, base := m.baseEnv[name]
		ofBase := m.arg(name) == nil && (base || step.Scope.Open) // an arg of that name would be meant
		own, isAbove := above[name]
		if _, is := envValue(step, name); is {
			// The instruction's variables see what was before it.
			text, isArg := args(name)
			switch {
			case isArg:
				return text, true
			case isAbove:
				return own, strings.Contains(own, "${")
			}
			return m.baseText(name), ofBase && onlyInstruction(step, c, name)
		}
		if isAbove {
			return "${" + name + "}", true
		}
		if text, ok := args(name); ok {
			return text, true
		}
		_, set := step.Scope.Env[name]
		return m.baseText(name), ofBase && (base || !set)
	}
}

// baseText refers to a variable of the base image. One of which is not known
// whether the base has it may be missing.
func (m *draft) baseText(name string) string {
	if _, known := m.baseEnv[name]; known || name == "PATH" {
		return "${" + name + "}"
	}
	return "${" + name + ":-}"
}

// onlyInstruction reports whether no variable that an ENV sets behind another one
// refers to that, so that none sees its new value.
func onlyInstruction(step *dockerfile.Step, c *instructions.EnvCommand, name string) bool {
	at := slices.IndexFunc(c.Env, func(kv instructions.KeyValuePair) bool { return kv.Key == name })
	return !slices.ContainsFunc(c.Env[at+1:], func(kv instructions.KeyValuePair) bool { return step.Scope.Mentions(kv.Value, name) })
}

// expose carries over a port, or a range of them.
func (m settings) expose(step *dockerfile.Step, port string) {
	text, exact := m.textAt(port, step, m.namesAt(step))
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
		m.report.went(step.Start, Lost, "the port %s depends on the base image's environment", port)
		return
	case isRange && err1 == nil && err2 == nil && b-a < 1000 && a > 0 && b < 65536:
		for n := a; n <= b; n++ {
			m.out.image.expose = append(m.out.image.expose, strconv.Itoa(n)+proto)
		}
	case !m.fits(step, image{expose: []string{text}}):
		return
	default:
		m.out.image.expose = append(m.out.image.expose, text)
	}
	m.report.went(step.Start, Carried, "image.expose")
}

// userInstruction carries USER over: the last one counts for the container.
func (m settings) userInstruction(step *dockerfile.Step, c *instructions.UserCommand) {
	text, exact := m.textAt(c.User, step, m.namesAt(step))
	if !exact {
		m.report.went(step.Start, Lost, "the user depends on the base image's environment")
		return
	}
	if !m.fits(step, image{user: text}) {
		return
	}
	m.out.image.user = text
	m.keep("image.user", step)
	if u := m.out.user; u != nil && (text == u.name || text == strconv.Itoa(u.uid)) {
		m.out.image.user = ""
		m.report.went(step.Start, Carried, "user")
		m.report.differ("the user is a number, so that an orchestrator can tell that it is not root", nil, []string{"User"})
		return
	}
	m.report.went(step.Start, Carried, "image.user")
}

// workingDir carries WORKDIR over.
func (m settings) workingDir(step *dockerfile.Step) {
	dir, ok := workdir(step)
	if !ok {
		m.report.went(step.Start, Lost, "the directory depends on the base image's environment")
		return
	}
	m.out.image.workingDir = m.madeText(step, dir)
	if dir != "/" && !m.fits(step, image{workingDir: m.out.image.workingDir}) {
		m.out.image.workingDir = ""
		return
	}
	if dir == "/" {
		m.out.image.workingDir = "" // the root is no image path to the build file
		m.report.note(m.where(step.Start), "the working directory / is the base's, unless that has another")
	}
	m.report.went(step.Start, Carried, "image.working_dir")
	m.keep("image.working_dir", step)
}

func (m settings) healthcheck(step *dockerfile.Step, c *instructions.HealthCheckCommand) {
	h := c.Health
	switch {
	case len(h.Test) == 0 || h.Test[0] == "NONE":
		m.out.image.health = &health{command: []string{}}
		m.report.went(step.Start, Carried, "image.healthcheck")
		m.keep("image.healthcheck", step)
		return
	case h.StartInterval > 0:
		m.report.note(m.where(step.Start), "--start-interval is not carried over; a build file has no such key")
		m.report.differ("the health check has no start interval", nil, []string{"Healthcheck"})
	}
	out := &health{command: h.Test[1:], interval: duration(h.Interval), timeout: duration(h.Timeout), startPeriod: duration(h.StartPeriod), retries: h.Retries}
	if h.Test[0] == "CMD-SHELL" {
		out.command = append(slices.Clone(step.Scope.Shell), h.Test[1:]...)
		m.report.differ("the health check names its shell", nil, []string{"Healthcheck"})
	}
	if !m.fits(step, image{health: out}) {
		return
	}
	m.out.image.health = out
	m.report.went(step.Start, Carried, "image.healthcheck")
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
	words := m.out.image.entrypoint
	step, _ := lastOf[*instructions.EntrypointCommand](m.draft)
	if step == nil || len(words) == 0 {
		return
	}
	for _, f := range m.copies {
		if f.class == atRuntime && f.Target == "/entrypoint.sh" && m.startable(f.Source) && f.mode.Perm() == 0o755 && f.uid == 0 && f.gid == 0 {
			f.entrypoint = true
			source := escapedGlob(f.Source)
			m.out.entrypoint = &source
			m.report.went(f.By.Start, Carried, "entrypoint.entrypoint_script")
			if slices.Equal(words, []string{f.Target}) {
				m.out.image.entrypoint = nil
				m.report.went(step.Start, Carried, "entrypoint.entrypoint_script")
				return
			}
		}
	}
	m.report.went(step.Start, Carried, "image.entrypoint")
}

// installRoot is where entrypoint files without a target of their own go.
const installRoot = spec.InstallRoot
