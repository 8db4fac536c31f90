package check

func secretInArg() Rule {
	return Rule{
		Name:        "SecretInArg",
		Severity:    Warning,
		Description: "Build arguments and the image's environment hold no secrets: everybody who has the image can read them.",
		check:       checkSecretInArg,
		dockerfile:  checkSecretInArg,
	}
}

func checkSecretInArg(p *pass) {
	for _, a := range p.in.File.Args {
		if secretName(a.Name.Value) {
			p.file(a.Name.At, "%s would be in %s; use a build secret: %s, --secret id=… on the command line", a.Name,
				p.how("the build's provenance and records", "the image's history and the build's provenance"), p.how("`secrets: [id]` at the script", "RUN --mount=type=secret,id=…"))
		}
	}
	for _, pair := range p.in.File.Image.Env {
		if secretName(pair.Key.Value) && pair.Value.Value != "" {
			p.file(pair.Key.At, "%s is in the image for everybody to read; let the container get it when it starts, in a file that %s_FILE names", pair.Key, pair.Key)
		}
	}
}
