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

// configure carries over what `docker inspect` shows.
func (m *classified) configure() {
	cmdStage := (*dockerfile.StageReading)(nil)
	for _, step := range m.configured() {
		known := m.namesAt(step)
		went := func(where string) { m.report.went(step.Start, Carried, "%s", where) }
		lost := func(format string, args ...any) { m.report.went(step.Start, Lost, format, args...) }
		switch c := step.Command.(type) {
		case *instructions.EnvCommand:
			m.env(step, c)
		case *instructions.LabelCommand:
			for _, kv := range c.Labels {
				key, ok := step.Scope.Expand(kv.Key)
				text, exact := m.textAt(kv.Value, step, known)
				if !ok || !exact {
					lost("its value depends on the base image's environment")
					continue
				}
				if !m.fits(step, mapping("labels", str(key, text))) {
					continue
				}
				m.set(&m.out.image.labels, pair{key: key, text: text}, m.comments(step.Instruction))
				went("image.labels")
			}
		case *instructions.MaintainerCommand:
			m.set(&m.out.image.labels, pair{key: "org.opencontainers.image.authors", text: escaped(c.Maintainer)}, nil)
			went("image.labels, since MAINTAINER is deprecated")
			m.report.differ("who maintains the image is a label", nil, []string{"Author", "Labels"})
		case *instructions.ExposeCommand:
			for _, port := range c.Ports {
				m.expose(step, port)
			}
			m.keep("image.expose", step)
		case *instructions.VolumeCommand:
			for _, v := range c.Volumes {
				text, exact := m.textAt(v, step, known)
				if !exact {
					lost("%s depends on the base image's environment", v)
					continue
				}
				if m.fits(step, texts("volumes", []string{text})) {
					m.out.image.volumes = append(m.out.image.volumes, text)
					went("image.volumes")
				}
			}
			m.keep("image.volumes", step)
		case *instructions.StopSignalCommand:
			text, exact := m.textAt(c.Signal, step, known)
			if !exact {
				lost("the signal depends on the base image's environment")
				continue
			}
			if !m.fits(step, str("stop_signal", text)) {
				continue
			}
			m.out.image.stopSignal = text
			went("image.stop_signal")
			m.keep("image.stop_signal", step)
		case *instructions.UserCommand:
			m.userInstruction(step, c)
		case *instructions.WorkdirCommand:
			m.workingDir(step)
		case *instructions.HealthCheckCommand:
			m.healthcheck(step, c)
		case *instructions.CmdCommand:
			words := line(c.CmdLine, c.PrependShell, step.Scope.Shell)
			if !m.fits(step, texts("cmd", words)) {
				continue
			}
			m.out.image.cmd, cmdStage = words, step.Stage
			went("image.cmd")
			m.keep("image.cmd", step)
			m.report.differ("a field of Windows' images is not set", nil, []string{"ArgsEscaped"})
		case *instructions.EntrypointCommand:
			words := line(c.CmdLine, c.PrependShell, step.Scope.Shell)
			if len(words) > 0 && !m.fits(step, texts("entrypoint", words)) {
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
	if u := m.out.user; u != nil && m.lastStep(func(cmd any) bool { _, ok := cmd.(*instructions.UserCommand); return ok }) == nil {
		m.out.image.user = "root"
		m.notes["image.user"] = append(m.notes["image.user"], "as the Dockerfile, which has no USER")
		m.report.differ("that the container starts as root is said", nil, []string{"User"})
	}
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
func (m *migration) set(list *[]pair, p pair, notes []string) {
	p.notes = notes
	if i := slices.IndexFunc(*list, func(o pair) bool { return o.key == p.key }); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	*list = append(*list, p)
}

// keep keeps the comments of an instruction for a key of the build file.
func (m *migration) keep(key string, step *dockerfile.Step) {
	m.notes[key] = append(m.notes[key], m.comments(step.Instruction)...)
}

func (m *migration) env(step *dockerfile.Step, c *instructions.EnvCommand) {
	notes := m.comments(step.Instruction)
	known := m.lateNames(step, c)
	for _, kv := range c.Env {
		text, ok := m.textAt(kv.Value, step, known)
		if !ok {
			m.report.went(step.Start, Lost, "the value of %s cannot be written", kv.Key)
			continue
		}
		a := m.arg(kv.Key)
		if v, ok := step.Scope.Expand(kv.Value); ok && a != nil && v == m.values[kv.Key] && (a.fromEnv || m.mentioned(kv.Key)) {
			if !a.fromEnv && !strings.Contains(text, "${"+kv.Key+"}") {
				m.report.note(m.where(step.Start), "ENV sets %s whatever the ARG of that name says; here setup scripts and the image have the value of the argument", kv.Key)
			}
			text = "${" + kv.Key + "}" // one truth
		}
		if !m.fits(step, mapping("env", str(kv.Key, text))) {
			continue
		}
		m.set(&m.out.image.env, pair{key: kv.Key, text: text}, notes)
		notes = nil
		m.report.went(step.Start, Carried, "image.env.%s", kv.Key)
		if a != nil && m.mentioned(kv.Key) && !slices.Contains(a.lines, step.Start) {
			m.report.went(step.Start, Carried, "args.%s, for setup scripts", kv.Key)
		}
	}
}

// lateNames are what the image's environment may refer to: args, the variables
// above, and those of the base.
func (m *migration) lateNames(step *dockerfile.Step, c *instructions.EnvCommand) names {
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
func (m *migration) baseText(name string) string {
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
func (m *migration) expose(step *dockerfile.Step, port string) {
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
	case !m.fits(step, portsNode([]string{text})):
		return
	default:
		m.out.image.expose = append(m.out.image.expose, text)
	}
	m.report.went(step.Start, Carried, "image.expose")
}

// userInstruction carries USER over: the last one counts for the container.
func (m *migration) userInstruction(step *dockerfile.Step, c *instructions.UserCommand) {
	text, exact := m.textAt(c.User, step, m.namesAt(step))
	if !exact {
		m.report.went(step.Start, Lost, "the user depends on the base image's environment")
		return
	}
	if !m.fits(step, str("user", text)) {
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
func (m *migration) workingDir(step *dockerfile.Step) {
	dir, ok := workdir(step)
	if !ok {
		m.report.went(step.Start, Lost, "the directory depends on the base image's environment")
		return
	}
	m.out.image.workingDir = m.madeText(step, dir)
	if dir != "/" && !m.fits(step, str("working_dir", m.out.image.workingDir)) {
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

func (m *migration) healthcheck(step *dockerfile.Step, c *instructions.HealthCheckCommand) {
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
	if !m.fits(step, out.node()) {
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
func (m *classified) entrypoint() {
	words := m.out.image.entrypoint
	step := m.lastStep(func(cmd any) bool { _, ok := cmd.(*instructions.EntrypointCommand); return ok })
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

// startable reports whether the kernel starts a file: it names an interpreter.
func (m *migration) startable(source string) bool {
	p := m.load(source)
	return p != nil && p.Main.Shebang.Line != "" && !p.Main.CRLF.IsValid() && !p.Main.BOM
}

// lastStep is the last instruction of a kind.
func (m *migration) lastStep(is func(cmd any) bool) *dockerfile.Step {
	for _, step := range slices.Backward(m.configured()) {
		if is(step.Command) {
			return step
		}
	}
	return nil
}

// escapedGlob is a path of the context in the build file's notation, where it
// could be taken for a glob or a reference.
func escapedGlob(s string) string {
	s = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(s)
	if strings.ContainsAny(s, "$`\\") {
		return escaped(s)
	}
	return s
}

// installRoot is where entrypoint files without a target of their own go.
const installRoot = spec.InstallRoot
