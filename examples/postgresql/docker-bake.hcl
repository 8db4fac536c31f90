# docker buildx bake: builds the image, and runs its tests. `docker buildx bake test release` pushes it too, for two kinds of
# machines, with all that a registry can hold: cache, provenance and SBOM.
#
#   REGISTRY=registry.example.com TAG=15 docker buildx bake test release

variable "REGISTRY" {
  default     = "localhost:5000"
  description = "Where the image and its cache are kept"
}

variable "TAG" {
  default = "latest"
}

variable "PLATFORMS" {
  default     = "linux/amd64,linux/arm64"
  description = "What a release is for; the daemon must be able to run all of them"
}

variable "SCANNER" {
  default     = "docker/buildkit-syft-scanner:stable-1"
  description = "The image that makes the SBOM"
}

group "default" {
  targets = ["image", "test"]
}

target "build" {
  context    = "."
  cache-from = ["type=registry,ref=${REGISTRY}/postgresql:cache"]
}

target "image" {
  inherits = ["build"]
  tags     = ["${REGISTRY}/postgresql:${TAG}"]
}

# The build file's tests, in a container of the image. There is no result but that they passed.
target "test" {
  inherits = ["build"]
  target   = "test"
  output   = ["type=cacheonly"]
}

# mode=max: setup's steps are in the cache too, so a machine that has never run them need not.
target "release" {
  inherits  = ["image"]
  platforms = split(",", PLATFORMS)
  cache-to  = ["type=registry,ref=${REGISTRY}/postgresql:cache,mode=max"]
  attest    = ["type=provenance,mode=max", "type=sbom,generator=${SCANNER}"]
  output    = ["type=registry"]
}

# Every major version that PostgreSQL's own repository has, where it can be reached: `docker buildx bake majors`.
target "majors" {
  inherits = ["build"]
  name     = "postgresql-${major}"
  matrix   = { major = ["13", "14", "15", "16", "17", "18"] }
  args     = { POSTGRESQL_FROM = "pgdg", POSTGRESQL_VERSION = major }
  tags     = ["${REGISTRY}/postgresql:${major}"]
}
