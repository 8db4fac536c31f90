package cache

// DockerClean is the setting with which Debian's images empty apt's cache after
// each install.
const DockerClean = "/etc/apt/apt.conf.d/docker-clean"

// KeepDownloads stands in place of [DockerClean] while a step has apt's archives in a mount. As the
// original does, it keeps apt from writing its indexes beside them.
const KeepDownloads = "// While pgstrata builds, apt's archives are in a cache mount: keep them.\n" +
	"Binary::apt::APT::Keep-Downloaded-Packages \"true\";\n" +
	"Dir::Cache::pkgcache \"\"; Dir::Cache::srcpkgcache \"\";\n"
