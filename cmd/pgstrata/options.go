package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/docker/cli/cli/config"
	"github.com/docker/go-units"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/moby/buildkit/util/entitlements"
	"github.com/spf13/pflag"
	"github.com/tonistiigi/fsutil"

	"github.com/pgstrata/pgstrata/spec"
)

// options are the flags of every command that reads a build through a daemon,
// named as docker buildx build names them.
type options struct {
	address       string
	builder       string
	file          string
	target        string
	platforms     []string
	buildArgs     []string
	buildContexts []string
	labels        []string
	addHosts      []string
	cacheFrom     []string
	cacheTo       []string
	secrets       []string
	ssh           []string
	allow         []string
	network       string
	shmSize       string
	noCache       bool
	noCacheFilter []string
	pull          bool
	progress      string
}

// addInputFlags adds those that decide what is built.
func (o *options) addInputFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.file, "file", "f", "", fileUsage)
	f.StringVar(&o.target, "target", "", "state to build: setup, entrypoint, test, image, caches, symbols, or setup/NAME for an isolated script")
	f.StringSliceVar(&o.platforms, "platform", nil, "target platforms, such as linux/amd64,linux/arm64")
	f.StringArrayVar(&o.buildArgs, "build-arg", nil, "build argument as NAME=VALUE, or NAME to take it from the environment")
	f.StringArrayVar(&o.labels, "label", nil, "image label as NAME=VALUE")
	f.StringArrayVar(&o.addHosts, "add-host", nil, "host name for build steps as HOST:IP")
	f.StringVar(&o.network, "network", "", "network of build steps: default, none or host")
	f.StringVar(&o.shmSize, "shm-size", "", "size of /dev/shm in build steps, such as 64m")
}

func (o *options) addFlags(f *pflag.FlagSet) {
	o.addInputFlags(f)
	f.StringVar(&o.address, "addr", "", "BuildKit's address, such as docker-container://NAME, podman-container://NAME, kube-pod://POD, ssh://HOST or tcp://HOST:PORT (default $BUILDKIT_HOST)")
	f.StringVar(&o.builder, "builder", "", "builder of docker buildx (default: without $BUILDKIT_HOST, the one in use)")
	f.StringArrayVar(&o.buildContexts, "build-context", nil, "additional context as NAME=SOURCE, such as debian:bookworm-slim=docker-image://…")
	f.StringArrayVar(&o.cacheFrom, "cache-from", nil, "cache to read, such as type=registry,ref=…")
	f.StringArrayVar(&o.cacheTo, "cache-to", nil, "cache to write, such as type=registry,ref=…,mode=max")
	f.StringArrayVar(&o.secrets, "secret", nil, "secret for build steps, such as id=token,src=FILE")
	f.StringArrayVar(&o.ssh, "ssh", nil, "ssh agent or keys for build steps, such as default")
	f.StringArrayVar(&o.allow, "allow", nil, "privilege to allow, such as network.host")
	f.BoolVar(&o.noCache, "no-cache", false, "run every step again")
	f.StringSliceVar(&o.noCacheFilter, "no-cache-filter", nil, "states or scripts to run again, such as setup")
	f.BoolVar(&o.pull, "pull", false, "ask the registry for the base image even if the daemon has it")
	f.StringVar(&o.progress, "progress", "auto", "progress display: auto, plain, tty, quiet or rawjson")
}

// context returns the folder of the build context, and finds its build file.
func (o *options) context(args []string) (dir string, err error) {
	dir = contextOf(args)
	o.file, err = findBuildFile(dir, o.file)
	return dir, err
}

// solveOpt turns the flags into what a client sends, for the context in dir.
func (o *options) solveOpt(dir string) (client.SolveOpt, error) {
	var opt client.SolveOpt
	file := o.file
	contextFS, err := fsutil.NewFS(dir)
	if err != nil {
		return opt, fmt.Errorf("build context %s: %w", dir, err)
	}
	fileFS, err := fsutil.NewFS(filepath.Dir(file))
	if err != nil {
		return opt, fmt.Errorf("build file %s: %w", file, err)
	}
	opt.LocalMounts = map[string]fsutil.FS{
		dockerui.DefaultLocalNameContext:    contextFS,
		dockerui.DefaultLocalNameDockerfile: fileFS,
	}
	if opt.FrontendAttrs, err = o.attributes(filepath.Base(file), opt.LocalMounts); err != nil {
		return opt, err
	}
	if opt.CacheExports, err = build.ParseExportCache(o.cacheTo); err != nil {
		return opt, fmt.Errorf("--cache-to: %w", err)
	}
	imports, err := typed(o.cacheFrom)
	if err != nil {
		return opt, err
	}
	if opt.CacheImports, err = build.ParseImportCache(imports); err != nil {
		return opt, fmt.Errorf("--cache-from: %w", err)
	}
	for _, e := range opt.CacheExports {
		types := []string{"registry", "local", "inline", "gha", "s3", "azblob"}
		if !slices.Contains(types, e.Type) {
			return opt, fmt.Errorf("--cache-to type=%s: the type is one of %s%s", e.Type, strings.Join(types, ", "), spec.Meant(e.Type, types))
		}
	}
	for _, a := range o.allow {
		if _, _, err := entitlements.Parse(a); err != nil {
			return opt, fmt.Errorf("--allow %s: must be network.host, security.insecure or device", a)
		}
	}
	opt.AllowedEntitlements = o.allow
	opt.Session, err = o.session()
	return opt, err
}

// attributes are the frontend options, as docker buildx build sends them.
func (o *options) attributes(filename string, mounts map[string]fsutil.FS) (map[string]string, error) {
	attrs := map[string]string{"filename": filename}
	set := func(key, value string) {
		if value != "" {
			attrs[key] = value
		}
	}
	set("target", o.target)
	set("platform", strings.Join(o.platforms, ","))
	if !slices.Contains([]string{"", "default", "none", "host"}, o.network) {
		return nil, fmt.Errorf("--network %s: must be default, none or host", o.network)
	}
	set("force-network-mode", strings.TrimPrefix(o.network, "default"))
	if o.shmSize != "" {
		size, err := units.RAMInBytes(o.shmSize)
		if err != nil || size <= 0 {
			return nil, fmt.Errorf("--shm-size %s: must be a number of bytes, or a size such as 64m or 1g", o.shmSize)
		}
		set("shm-size", strconv.FormatInt(size, 10))
	}
	for _, p := range o.platforms {
		if err := knownPlatform(p); err != nil {
			return nil, err
		}
	}
	if o.pull {
		attrs["image-resolve-mode"] = "pull"
	}
	if o.noCache {
		attrs["no-cache"] = ""
	} else {
		set("no-cache", strings.Join(o.noCacheFilter, ","))
	}
	var hosts []string
	for _, h := range o.addHosts {
		host, ip, ok := strings.Cut(strings.Replace(h, "=", ":", 1), ":")
		if !ok {
			return nil, fmt.Errorf("--add-host %s: must be HOST:IP", h)
		}
		hosts = append(hosts, host+"="+ip)
	}
	set("add-hosts", strings.Join(hosts, ","))
	for _, a := range o.buildArgs {
		name, value, ok := strings.Cut(a, "=")
		if name == "" {
			return nil, fmt.Errorf("--build-arg %s: must be NAME=VALUE, or NAME", a)
		}
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				continue // as docker does: an unset variable is no argument
			}
		}
		attrs["build-arg:"+name] = value
	}
	for _, l := range o.labels {
		name, value, _ := strings.Cut(l, "=")
		if name == "" {
			return nil, fmt.Errorf("--label %s: must be NAME=VALUE", l)
		}
		attrs["label:"+name] = value
	}
	for _, c := range o.buildContexts {
		if err := addContext(attrs, mounts, c); err != nil {
			return nil, err
		}
	}
	return attrs, nil
}

// knownPlatform reports a platform of which nothing is known: most likely it is
// misspelled.
func knownPlatform(name string) error {
	p, err := platforms.Parse(name)
	if err != nil {
		return fmt.Errorf("--platform %s: %w; it is OS/ARCHITECTURE, such as linux/arm64", name, err)
	}
	all := []string{"386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x"}
	if !slices.Contains(all, p.Architecture) {
		return fmt.Errorf("--platform %s: the architecture is one of %s%s", name, strings.Join(all, ", "), spec.Meant(p.Architecture, all))
	}
	return nil
}

// addContext adds a named context; a plain path is a local directory.
func addContext(attrs map[string]string, mounts map[string]fsutil.FS, s string) error {
	name, source, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("--build-context %s: must be NAME=SOURCE", s)
	}
	if strings.Contains(source, "://") {
		attrs["context:"+name] = strings.Replace(source, "://", ":", 1)
		if strings.HasPrefix(source, "http") || strings.HasPrefix(source, "git") {
			attrs["context:"+name] = source
		}
		return nil
	}
	dir, err := fsutil.NewFS(source)
	if err != nil {
		return fmt.Errorf("--build-context %s: there is no folder %s", s, source)
	}
	mounts[name] = dir
	attrs["context:"+name] = "local:" + name
	return nil
}

// typed are caches with the type that is meant where none is given: a name alone is
// an image's.
func typed(caches []string) ([]string, error) {
	out := slices.Clone(caches)
	for i, c := range out {
		switch {
		case strings.HasPrefix(c, "type=") || strings.Contains(c, ",type="):
		case strings.Contains(c, "="):
			return nil, fmt.Errorf("--cache-from %s: needs a type, such as type=registry,%[1]s", c)
		default:
			out[i] = "type=registry,ref=" + c
		}
	}
	return out, nil
}

// session attaches registry credentials, secrets and ssh agents.
func (o *options) session() ([]session.Attachable, error) {
	docker := config.LoadDefaultConfigFile(io.Discard)
	out := []session.Attachable{authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: authprovider.LoadAuthConfig(docker),
	})}
	if len(o.secrets) > 0 {
		secrets, err := build.ParseSecret(o.secrets)
		if err != nil {
			return nil, fmt.Errorf("--secret: %w; it is id=NAME,src=FILE, or id=NAME,env=VARIABLE", err)
		}
		out = append(out, secrets)
	}
	if len(o.ssh) > 0 {
		configs, err := build.ParseSSH(o.ssh)
		if err != nil {
			return nil, fmt.Errorf("--ssh: %w", err)
		}
		agents, err := sshprovider.NewSSHAgentProvider(configs)
		var missing *fs.PathError
		if errors.As(err, &missing) {
			return nil, fmt.Errorf("--ssh: there is no agent's socket, and no key, at %s", missing.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("--ssh: %w", err)
		}
		out = append(out, agents)
	}
	return out, nil
}

// addSyntaxFlag adds the one that names the frontend image of a new build file.
func addSyntaxFlag(f *pflag.FlagSet, name *string) {
	f.StringVar(name, "syntax", "", "frontend image that the build file's first line names (default: that of this release)")
}
