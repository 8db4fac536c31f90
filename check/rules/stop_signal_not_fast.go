package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

func stopSignalNotFast() check.Rule {
	return check.Rule{
		Name:        "StopSignalNotFast",
		Severity:    check.Warning,
		Description: "`docker stop` is a fast shutdown to PostgreSQL: it neither waits for clients nor crashes.",
		Check:       checkStopSignalNotFast,
		Dockerfile:  checkStopSignalNotFast,
	}
}

func checkStopSignalNotFast(p *check.Pass) {
	if !runsPostgreSQL(p) || inherits(p) && p.Input.Graph.Image.StopSignal == "" || supervised(p) {
		return
	}
	signal := strings.TrimPrefix(strings.ToUpper(p.Input.Graph.Image.StopSignal), "SIG")
	at := p.Input.File.Image.StopSignal.At
	switch signal {
	case "INT", "2":
	case "", "TERM", "15":
		if traps(p, "TERM") {
			return
		}
		if at == (spec.Range{}) && p.Input.File.Entrypoint.Script != nil {
			at = p.Input.File.Entrypoint.Script.At
		}
		p.MayFile(at, "`docker stop` sends SIGTERM, which makes PostgreSQL wait for every client to leave until it is killed, so that the next start may have to recover; %s", p.Advice("set image.stop_signal: SIGINT", "add STOPSIGNAL SIGINT"))
	case "QUIT", "3":
		if !traps(p, "QUIT") {
			p.MayFile(at, "SIGQUIT makes PostgreSQL stop as in a crash, so that the next start may have to recover; %s", p.Advice("set image.stop_signal: SIGINT", "add STOPSIGNAL SIGINT"))
		}
	case "KILL", "9":
		p.File(at, "SIGKILL gives PostgreSQL no chance to stop: the next start has to recover; %s", p.Advice("set image.stop_signal: SIGINT", "add STOPSIGNAL SIGINT"))
	}
}

// runsPostgreSQL tells whether the container's process is a server.
func runsPostgreSQL(p *check.Pass) bool {
	if slices.ContainsFunc(p.Input.Graph.Image.Cmd, isServer) {
		return true
	}
	for _, c := range p.EntrypointCalls() {
		if isServer(c.Name) {
			return true
		}
	}
	return false
}

// supervised tells whether a supervisor gets the signal: what PostgreSQL gets, is its
// configuration's matter.
func supervised(p *check.Pass) bool {
	supervisor := func(word string) bool {
		switch path.Base(word) {
		case "supervisord", "s6-svscan", "runsvdir", "my_init", "systemd":
			return true
		}
		return false
	}
	for _, c := range p.EntrypointCalls() {
		if supervisor(c.Name) {
			return true
		}
	}
	return slices.ContainsFunc(slices.Concat(p.Input.Graph.Image.Entrypoint, p.Input.Graph.Image.Cmd), supervisor)
}

// traps tells whether an entrypoint script handles a signal itself.
func traps(p *check.Pass, signal string) bool {
	for _, u := range p.Entrypoint {
		for _, s := range u.Scripts {
			for _, c := range s.Calls {
				if c.Name == "trap" && c.HasArg(signal, "SIG"+signal) {
					return true
				}
			}
		}
	}
	return false
}
