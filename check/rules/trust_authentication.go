package rules

import (
	"math/bits"
	"net/netip"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

func trustAuthentication() check.Rule {
	return check.Rule{
		Name:        "TrustAuthentication",
		Severity:    check.Warning,
		Description: "Nobody is let into the database without a password or certificate.",
		Check:       checkTrustAuthentication,
		Dockerfile:  checkTrustAuthentication,
	}
}

func checkTrustAuthentication(p *check.Pass) {
	const message = "trust lets in whoever reaches the port, as any user, superusers among them; use scram-sha-256, cert or peer"
	scripts := map[string]bool{}
	for u := range p.Units() {
		for _, s := range u.Scripts {
			scripts[s.Path] = true
		}
	}
	for f := range p.Input.EntrypointFiles() {
		if scripts[f.Source] || !isAuthentication(f.Target) { // of a script, its commands tell
			continue
		}
		for number, line := range check.TextLines(p.Text(f.Source)) {
			if column := trustLine(line); column > 0 {
				at := spec.Position{Line: number, Column: column}
				p.At(f.Source, spec.Range{Start: at, End: spec.Position{Line: number, Column: column + len("trust") - 1}}, message)
			}
		}
	}
	for s, c := range p.AllCalls() {
		switch c.Name {
		case "echo", "printf":
			for _, w := range c.Args {
				if trustLine(w.Value) > 0 {
					p.Word(s, w, message)
				}
			}
		}
		for _, r := range c.Redirects {
			for number, line := range check.TextLines([]byte(r.Body.Value)) {
				if trustLine(line) > 0 {
					at := spec.Position{Line: r.Body.Pos.Line + number - 1, Column: 1}
					p.At(s.Path, spec.Range{Start: at, End: at}, message)
				}
			}
		}
	}
	for _, pair := range p.Input.File.Image.Env {
		if strings.HasSuffix(pair.Key.Value, "AUTH_METHOD") && pair.Value.Value == "trust" {
			p.File(pair.Value.At, message)
		}
	}
}

// isAuthentication tells whether a file is one that rules of pg_hba.conf are in:
// that file, or Patroni's configuration.
func isAuthentication(target string) bool {
	base := strings.ToLower(path.Base(target))
	return check.IsConfiguration(target) || strings.Contains(base, "hba") && !check.IsForCI(target)
}

// trustLine tells whether a line is a rule of pg_hba.conf, or an entry of
// Patroni's pg_hba list, with method trust for others than the container itself,
// and in which column the method is. A socket and the loopback addresses, which
// are all that initdb writes trust for, have nobody at the other end who is not
// in the container already.
func trustLine(line string) int {
	rule, _, _ := strings.Cut(line, "#")
	rule = strings.Trim(strings.TrimPrefix(strings.TrimSpace(rule), "- "), " \t\r'\"\\n")
	fields := strings.Fields(rule)
	if len(fields) < 4 || fields[len(fields)-1] != "trust" {
		return 0
	}
	switch fields[0] {
	case "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc":
		if isLoopback(fields[3], fields[4:]) {
			return 0
		}
		return strings.LastIndex(line, "trust") + 1
	}
	return 0
}

// isLoopback tells whether an address of pg_hba.conf is the container's own, with
// all that its mask takes in: 127.0.0.1/32, ::1/128, localhost. What follows begins
// with the mask, where that is a field of its own.
func isLoopback(address string, follows []string) bool {
	if address = strings.Trim(address, `"`); address == "localhost" || address == "samehost" {
		return true
	}
	prefix, err := netip.ParsePrefix(address)
	if err != nil {
		ip, err := netip.ParseAddr(address)
		if err != nil {
			return false
		}
		mask, err := netip.ParseAddr(follows[0])
		if err != nil {
			return false
		}
		ones := 0
		for _, b := range mask.AsSlice() {
			ones += bits.OnesCount8(b)
		}
		prefix = netip.PrefixFrom(ip, ones)
	}
	own := netip.MustParsePrefix("127.0.0.0/8")
	if prefix.Addr().Is6() {
		own = netip.MustParsePrefix("::1/128")
	}
	return prefix.Bits() >= own.Bits() && own.Contains(prefix.Addr())
}
