package llb

import (
	"path"
	"slices"
	"strings"
	"time"

	bk "github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// repositories adds to a base what apt asks besides the base's own archives:
// the description and the key of each, as far as the image keeps them.
func (c *compiler) repositories(base State) State {
	base = c.certificates(base)
	var names []string
	var action *bk.FileAction
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
	opts = append(opts, bk.AddEnv("UNLESS", "/etc/ssl/certs/ca-certificates.crt"),
		c.vertex(Vertex{Node: graph.ToolchainState + "/certificates", Kind: "packages", Title: "certificates", Arguments: "package"}, graph.ToolchainState, what),
		c.at(c.graph.Toolchain.Repositories[i].At), c.fresh(graph.ToolchainState))
	return c.run(base, "toolchain: "+what, append(opts, c.pins()...)...)
}

// repository adds a repository's files to a chain of file actions, which may be
// nil.
func (c *compiler) repository(on *bk.FileAction, r graph.Repository) *bk.FileAction {
	created := bk.WithCreatedTime(time.Unix(setupEpoch, 0)) // no time of its own would tell the day of the build
	file := func(name, text string) {
		on = mkdirAction(on, path.Dir(name), created).Mkfile(name, 0o644, []byte(text), created)
	}
	file(r.File(), r.Sources())
	if text := r.Preferences(); text != "" {
		file(r.PreferencesFile(), text)
	}
	if r.Key != nil {
		st, src := c.download(*r.Key)
		on = mkdirAction(on, path.Dir(r.KeyFile()), created).Copy(st, src, r.KeyFile(), &bk.CopyInfo{
			FollowSymlinks: true, Mode: &bk.ChmodOpt{Mode: 0o644}, ChownOpt: &bk.ChownOpt{User: &bk.UserOpt{}, Group: &bk.UserOpt{}},
		}, created)
	}
	return on
}

// download returns the state that holds a file, and where.
func (c *compiler) download(d graph.Download) (bk.State, string) {
	if d.Path != "" {
		return c.opt.Context, "/" + d.Path
	}
	return bk.HTTP(d.URL, bk.Checksum(digest.Digest(d.Checksum)), bk.Filename(d.File()), c.name("internal", "load "+d.URL)), "/" + d.File()
}

// mkdirAction adds a directory with those above it, where they are missing, to a
// chain of file actions, which may be nil.
func mkdirAction(on *bk.FileAction, dir string, created bk.CreatedTime) *bk.FileAction {
	if on == nil {
		return bk.Mkdir(dir, 0o755, bk.WithParents(true), created)
	}
	return on.Mkdir(dir, 0o755, bk.WithParents(true), created)
}

// repositoryMounts returns what a step sees of repositories and the image does
// not keep: files of those that are there for setup only, and credentials.
func (c *compiler) repositoryMounts() []bk.RunOption {
	var opts []bk.RunOption
	for _, r := range c.graph.Toolchain.Repositories {
		if r.Credentials != "" {
			target := "/etc/apt/auth.conf.d/" + r.Name + ".conf"
			opts = append(opts, bk.AddSecretWithDest(r.Credentials, &target, bk.SecretID(r.Credentials), bk.SecretFileOpt(0, 0, 0o400)))
		}
		if r.Kept {
			continue
		}
		st := bk.Scratch().File(c.repository(nil, r), c.name("internal", "repository "+r.Name))
		names := []string{r.File()}
		if r.Key != nil {
			names = append(names, r.KeyFile())
		}
		if r.Preferences() != "" {
			names = append(names, r.PreferencesFile())
		}
		for _, name := range names {
			opts = append(opts, bk.AddMount(name, st, bk.SourcePath(name), bk.Readonly))
		}
	}
	return opts
}
