package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

func stopSignalNotFast() Rule {
	return Rule{
		Name:        "StopSignalNotFast",
		Severity:    Warning,
		Description: "`docker stop` is a fast shutdown to PostgreSQL: it neither waits for clients nor crashes.",
		check:       checkStopSignalNotFast,
		dockerfile:  checkStopSignalNotFast,
	}
}

func checkStopSignalNotFast(p *pass) {
	if !p.runsPostgreSQL() || p.inherits() && p.in.Graph.Image.StopSignal == "" {
		return
	}
	signal := strings.TrimPrefix(strings.ToUpper(p.in.Graph.Image.StopSignal), "SIG")
	at := p.in.File.Image.StopSignal.At
	switch signal {
	case "INT", "2":
	case "", "TERM", "15":
		if p.traps("TERM") {
			return
		}
		if at == (spec.Range{}) && p.in.File.Entrypoint.Script != nil {
			at = p.in.File.Entrypoint.Script.At
		}
		p.mayFile(at, "`docker stop` sends SIGTERM, which makes PostgreSQL wait for every client to leave until it is killed, so that the next start may have to recover; %s", p.how("set image.stop_signal: SIGINT", "add STOPSIGNAL SIGINT"))
	case "QUIT", "3":
		if !p.traps("QUIT") {
			p.mayFile(at, "SIGQUIT makes PostgreSQL stop as in a crash, so that the next start may have to recover; %s", p.how("set image.stop_signal: SIGINT", "add STOPSIGNAL SIGINT"))
		}
	case "KILL", "9":
		p.file(at, "SIGKILL gives PostgreSQL no chance to stop: the next start has to recover; %s", p.how("set image.stop_signal: SIGINT", "add STOPSIGNAL SIGINT"))
	}
}

// runsPostgreSQL tells whether the container's process is a server.
func (p *pass) runsPostgreSQL() bool {
	if slices.ContainsFunc(p.in.Graph.Image.Cmd, isServer) {
		return true
	}
	for _, c := range p.entrypointCalls() {
		if isServer(c.Name) {
			return true
		}
	}
	return false
}

// traps tells whether an entrypoint script handles a signal itself.
func (p *pass) traps(signal string) bool {
	for _, u := range p.entrypoint {
		for _, s := range u.scripts {
			for _, c := range s.Calls {
				if c.Name == "trap" && c.HasArg(signal, "SIG"+signal) {
					return true
				}
			}
		}
	}
	return false
}
