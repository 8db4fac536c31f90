package rules

import "github.com/pgstrata/pgstrata/check"

func secretInArg() check.Rule {
	return check.Rule{
		Name:        "SecretInArg",
		Severity:    check.Warning,
		Description: "Build arguments and the image's environment hold no secrets: everybody who has the image can read them.",
		Check:       checkSecretInArg,
		Dockerfile:  checkSecretInArg,
	}
}

func checkSecretInArg(p *check.Pass) {
	for _, a := range p.Input.File.Args {
		if secretName(a.Name.Value) {
			p.File(a.Name.At, "%s would be in %s; use a build secret: %s, --secret id=… on the command line", a.Name,
				p.Advice("the build's provenance and records", "the image's history and the build's provenance"), p.Advice("`secrets: [id]` at the script", "RUN --mount=type=secret,id=…"))
		}
	}
	for _, pair := range p.Input.File.Image.Env {
		if secretName(pair.Key.Value) && pair.Value.Value != "" {
			p.File(pair.Key.At, "%s is in the image for everybody to read; let the container get it when it starts, in a file that %s_FILE names", pair.Key, pair.Key)
		}
	}
}
