package frontend

import "github.com/containerd/platforms"

// OwnArgs are the args that BuildKit defines for a build on this machine and for
// it, by their names; args are those that a client gives.
func OwnArgs(args map[string]string) map[string]string {
	own := platforms.Normalize(platforms.DefaultSpec())
	return predefined(own, own, "", args)
}
