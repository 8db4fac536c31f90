package compile

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
)

// scripts are pgstrata's own steps. They are mounted as files and get their
// arguments as a list: no shell line is ever put together from strings.
//
//go:embed scripts/*.sh
var scripts embed.FS

const (
	// lockedVersions is where apt finds what a lock file asks for.
	lockedVersions = "/etc/apt/preferences.d/pgstrata"
	// watched is where a step finds the versions that it follows.
	watched = "/run/pgstrata/watched"
	// setupEpoch is the time that steps of pgstrata's own take for now, so
	// that /etc/shadow does not tell the day of the build.
	setupEpoch = 1704067200
)

// builtin returns the options that run one of pgstrata's own scripts.
func (c *compiler) builtin(name string, args ...string) []llb.RunOption {
	data, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	script := llb.Scratch().File(llb.Mkfile("/"+name, 0o755, data), c.name("internal", name))
	file := path.Join(graph.ContextMount, name)
	return append(c.step(),
		llb.Args(append([]string{file}, args...)),
		llb.AddMount(graph.ContextMount, script, llb.Readonly),
	)
}

// step returns the options that every setup step has.
func (c *compiler) step() []llb.RunOption {
	return append(c.limits(),
		llb.Dir("/"),
		llb.AddEnv("DEBIAN_FRONTEND", "noninteractive"),
	)
}

// limits returns what the client asked of all steps.
func (c *compiler) limits() []llb.RunOption {
	cfg := c.opt.Config
	var opts []llb.RunOption
	if p := proxy(cfg.BuildArgs); p != (llb.ProxyEnv{}) {
		opts = append(opts, llb.WithProxy(p))
	}
	for _, h := range cfg.ExtraHosts {
		opts = append(opts, llb.AddExtraHost(h.Host, h.IP))
	}
	if supports(c.opt.Caps, pb.CapExecMetaUlimit) {
		for _, u := range cfg.Ulimits {
			opts = append(opts, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
		}
	}
	if cfg.ShmSize > 0 && supports(c.opt.Caps, pb.CapExecMountTmpfsSize) {
		opts = append(opts, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(cfg.ShmSize))))
	}
	if cfg.CgroupParent != "" && supports(c.opt.Caps, pb.CapExecMetaCgroupParent) {
		opts = append(opts, llb.WithCgroupParent(cfg.CgroupParent))
	}
	if r := cfg.LinuxResources; r != nil && supports(c.opt.Caps, pb.CapExecMetaLinuxResources) {
		opts = append(opts, llb.WithLinuxResources(llb.LinuxResources{
			Memory:     r.Memory,
			MemorySwap: r.MemorySwap,
			CPUShares:  r.CpuShares,
			CPUPeriod:  r.CpuPeriod,
			CPUQuota:   r.CpuQuota,
			CpusetCpus: r.CpusetCpus,
			CpusetMems: r.CpusetMems,
		}))
	}
	return opts
}

// proxy reads the proxy settings that Docker's client passes as build args.
// BuildKit keeps them out of cache keys.
func proxy(args map[string]string) llb.ProxyEnv {
	get := func(name string) string {
		if v, ok := args[name]; ok {
			return v
		}
		return args[strings.ToLower(name)]
	}
	return llb.ProxyEnv{
		HTTPProxy:  get("HTTP_PROXY"),
		HTTPSProxy: get("HTTPS_PROXY"),
		FTPProxy:   get("FTP_PROXY"),
		NoProxy:    get("NO_PROXY"),
		AllProxy:   get("ALL_PROXY"),
	}
}

// cacheMounts returns the mounts of caches. Ids are put together as the
// Dockerfile frontend does, so that a Dockerfile on the same daemon can share
// them by naming the id.
func (c *compiler) cacheMounts(caches []graph.Cache) []llb.RunOption {
	var opts []llb.RunOption
	for _, m := range caches {
		sharing := llb.CacheMountShared
		switch m.Sharing {
		case graph.Locked:
			sharing = llb.CacheMountLocked
		case graph.Private:
			sharing = llb.CacheMountPrivate
		}
		opts = append(opts, llb.AddMount(m.Target, llb.Scratch(), llb.AsPersistentCacheDir(c.cacheID(m), sharing)))
	}
	if slices.ContainsFunc(caches, func(m graph.Cache) bool { return m.Name == "apt" }) {
		mask := llb.Scratch().File(llb.Mkfile("/docker-clean", 0o644, []byte(cache.KeepDownloads)), c.name("internal", "keep apt's downloads"))
		opts = append(opts, llb.AddMount(cache.DockerClean, mask, llb.SourcePath("/docker-clean"), llb.Readonly))
	}
	return opts
}

// pins returns the mount that makes apt install the versions of a lock file, on what
// grew from the image's base or from one that a script has for itself.
func (c *compiler) pins(own string) []llb.RunOption {
	pins := c.graph.Pins
	if own != "" {
		pins = c.graph.BasePins[own]
	}
	if len(pins) == 0 {
		return nil
	}
	var text strings.Builder
	for _, p := range pins {
		name, version, _ := strings.Cut(p.Spec, "=")
		// Above 1000 (apt_preferences(5)): even where a newer one is there.
		fmt.Fprintf(&text, "Package: %s\nPin: version %s\nPin-Priority: 1001\n\n", name, version)
	}
	file := llb.Scratch().File(llb.Mkfile("/pins", 0o644, []byte(text.String())), c.name("internal", "locked versions"))
	return []llb.RunOption{llb.AddMount(lockedVersions, file, llb.SourcePath("/pins"), llb.Readonly)}
}

// cacheID is a cache mount's id as the daemon knows it.
func (c *compiler) cacheID(m graph.Cache) string { return c.opt.Config.CacheIDNamespace + "/" + m.ID }

// noNetwork is the network of a step that has none.
const noNetwork = pb.NetMode_NONE

// artifacts returns a tmpfs for each scratch directory.
func (c *compiler) artifacts() []llb.RunOption {
	var opts []llb.RunOption
	for _, dir := range c.graph.BuildArtifacts {
		opts = append(opts, llb.AddMount(dir, llb.Scratch(), llb.Tmpfs()))
	}
	return opts
}

// network returns the option for a script's network.
func network(name string) []llb.RunOption {
	switch name {
	case "none":
		return []llb.RunOption{llb.Network(noNetwork)}
	case "host":
		return []llb.RunOption{llb.Network(pb.NetMode_HOST)}
	}
	return nil
}

// refresh returns what cache invalidation rules add to a step's cache key: the
// period that it belongs to, the base's digest, and the versions that the
// archive has of the watched packages.
func (c *compiler) refresh(base State, r graph.Refresh) []llb.RunOption {
	var opts []llb.RunOption
	if r.Period != "" {
		opts = append(opts, llb.AddEnv(FreshSinceEnv, r.Period))
	}
	if r.Base {
		opts = append(opts, llb.AddEnv(BaseEnv, c.opt.Base.Digest.String()))
	}
	if len(r.Packages) > 0 {
		opts = append(opts, llb.AddMount(watched, c.versions(base, r), llb.Readonly))
	}
	return opts
}

// versions asks the archive for the newest versions of packages, once a day.
// Only a changed answer counts: a mount is keyed by its content.
func (c *compiler) versions(base State, r graph.Refresh) llb.State {
	list := strings.Join(r.Packages, " ")
	v := Vertex{
		Node: graph.ToolchainState + "/versions-" + strings.ReplaceAll(list, " ", "-"), Kind: "versions",
		Title: "versions of " + strings.Join(r.Packages, ", "), Arguments: "package",
	}
	opts := append(c.builtin("package-versions.sh", r.Packages...), c.pins(base.own)...)
	opts = append(opts, c.repositoryMounts()...)
	opts = append(opts, llb.AddEnv(DayEnv, r.Day), c.vertex(v, graph.ToolchainState, "versions in the archive on "+r.Day+": "+list))
	return base.Run(opts...).AddMount(watched, llb.Scratch())
}

// The files that [Unknown] writes: names, one a line.
const (
	UnknownFile = "unknown"
	KnownFile   = "known"
)

// Unknown returns a state that tells which of some packages no archive of the build
// has, and the names of those that there are. They are asked in each build.
func Unknown(g *graph.Graph, opt Options, packages []string) llb.State {
	c := &compiler{graph: g, opt: opt, mergeDiff: canMergeDiff(opt.Caps)}
	base := c.repositories(c.base(g.Base.Name, opt.Base))
	opts := append(c.builtin("unknown-packages.sh", packages...), c.cacheMounts(g.Toolchain.Caches)...)
	opts = append(opts, c.repositoryMounts()...)
	opts = append(opts, llb.IgnoreCache, c.name("internal", "names of packages in the archives"))
	return base.Run(opts...).AddMount(resultMount, llb.Scratch())
}

// VersionsFile is what [Newest] writes: the name and version of a package a line.
const VersionsFile = "versions"

// Newest returns a state with the newest versions that the archives of the build
// have of packages, whatever a lock file says. They are asked in each build.
func Newest(g *graph.Graph, opt Options, names []string) llb.State {
	c := &compiler{graph: g, opt: opt, mergeDiff: canMergeDiff(opt.Caps)}
	base := c.repositories(c.base(g.Base.Name, opt.Base))
	opts := append(c.builtin("package-versions.sh", names...), c.repositoryMounts()...)
	opts = append(opts, llb.IgnoreCache, c.name(graph.ToolchainState, fmt.Sprintf("newest versions of %s in the archive", count(len(names), "package"))))
	return base.Run(opts...).AddMount(watched, llb.Scratch())
}
