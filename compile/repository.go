package compile

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// repositories adds to a base what apt asks besides the base's own archives:
// the description and the key of each, as far as the image keeps them.
func (c *compiler) repositories(base State) State {
	base = c.certificates(base)
	var names []string
	var action *llb.FileAction
	for _, r := range c.graph.Toolchain.Repositories {
		if r.Kept {
			names, action = append(names, r.Name), c.repository(action, r)
		}
	}
	if action == nil {
		return base
	}
	what := "repositories: " + strings.Join(names, ", ")
	named := c.vertex(Vertex{Node: graph.ToolchainState + "/repositories", Kind: "files", Title: "repositories"}, graph.ToolchainState, what)
	st := base.File(action, named, c.at(c.graph.Toolchain.Repositories[0].At), c.fresh(graph.ToolchainState))
	return base.layer(st, "toolchain: "+what)
}

// certificates installs the package that apt needs to ask a repository by https,
// where the base has none.
func (c *compiler) certificates(base State) State {
	i := slices.IndexFunc(c.graph.Toolchain.Repositories, graph.Repository.Secure)
	if i < 0 {
		return base
	}
	what := "certificates for https repositories"
	opts := append(c.builtin("install-packages.sh", "ca-certificates"), c.cacheMounts(c.graph.Toolchain.Caches)...)
	opts = append(opts, llb.AddEnv("UNLESS", "/etc/ssl/certs/ca-certificates.crt"),
		c.vertex(Vertex{Node: graph.ToolchainState + "/certificates", Kind: "packages", Title: "certificates", Arguments: "package"}, graph.ToolchainState, what),
		c.at(c.graph.Toolchain.Repositories[i].At), c.fresh(graph.ToolchainState))
	return c.run(base, "toolchain: "+what, append(opts, c.pins(base.own)...)...)
}

// repository adds a repository's files to a chain of file actions, which may be
// nil.
func (c *compiler) repository(on *llb.FileAction, r graph.Repository) *llb.FileAction {
	created := llb.WithCreatedTime(time.Unix(setupEpoch, 0)) // no time of its own would tell the day of the build
	file := func(name, text string) {
		on = mkdirAction(on, path.Dir(name), created).Mkfile(name, 0o644, []byte(text), created)
	}
	file(r.File(), r.Sources())
	if text := r.Preferences(); text != "" {
		file(r.PreferencesFile(), text)
	}
	if r.Key != nil {
		st, src := c.download(*r.Key)
		on = mkdirAction(on, path.Dir(r.KeyFile()), created).Copy(st, src, r.KeyFile(), &llb.CopyInfo{
			FollowSymlinks: true, Mode: &llb.ChmodOpt{Mode: 0o644}, ChownOpt: &llb.ChownOpt{User: &llb.UserOpt{}, Group: &llb.UserOpt{}},
		}, created)
	}
	return on
}

// download returns the state that holds a file, and where.
func (c *compiler) download(d graph.Download) (llb.State, string) {
	if d.Path != "" {
		return c.opt.Context, "/" + d.Path
	}
	return llb.HTTP(d.URL, llb.Checksum(digest.Digest(d.Checksum)), llb.Filename(d.File()), c.name("internal", "load "+d.URL)), "/" + d.File()
}

// mkdirAction adds a directory with those above it, where they are missing, to a
// chain of file actions, which may be nil.
func mkdirAction(on *llb.FileAction, dir string, created llb.CreatedTime) *llb.FileAction {
	if on == nil {
		return llb.Mkdir(dir, 0o755, llb.WithParents(true), created)
	}
	return on.Mkdir(dir, 0o755, llb.WithParents(true), created)
}

// repositoryMounts returns what a step sees of repositories and the image does
// not keep: files of those that are there for setup only, and credentials.
func (c *compiler) repositoryMounts() []llb.RunOption {
	var opts []llb.RunOption
	for _, r := range c.graph.Toolchain.Repositories {
		if r.Credentials != "" {
			target := "/etc/apt/auth.conf.d/" + r.Name + ".conf"
			opts = append(opts, llb.AddSecretWithDest(r.Credentials, &target, llb.SecretID(r.Credentials), llb.SecretFileOpt(0, 0, 0o400)))
		}
		if r.Kept {
			continue
		}
		st := llb.Scratch().File(c.repository(nil, r), c.name("internal", "repository "+r.Name))
		names := []string{r.File()}
		if r.Key != nil {
			names = append(names, r.KeyFile())
		}
		if r.Preferences() != "" {
			names = append(names, r.PreferencesFile())
		}
		for _, name := range names {
			opts = append(opts, llb.AddMount(name, st, llb.SourcePath(name), llb.Readonly))
		}
	}
	return opts
}
