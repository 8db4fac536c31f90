package frontend

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/spec"
)

// withheld reports secrets, and the ssh agent, that steps of a target need and the
// client does not give. Left alone, the build would fail where such a step runs. What
// is found out nothing of is taken to be there.
func (r *request) withheld(ctx context.Context, in input, t *target) error {
	var out spec.Errors
	asked := map[string]bool{}
	for _, m := range required(t.definition) {
		id := m.GetSecretOpt().GetID() + m.GetSSHOpt().GetID()
		kind := m.MountType.String()
		if asked[kind+id] {
			continue
		}
		asked[kind+id] = true
		if !r.missing(ctx, m, id) {
			continue
		}
		msg := fmt.Sprintf("needs the secret %s, and the build is not given it: add --secret id=%[1]s,src=FILE, or id=%[1]s,env=NAME", id)
		if m.MountType == pb.MountType_SSH {
			msg = "needs an ssh agent, and the build is not given one: add --ssh " + id
		}
		at, who := in.needs(m, id)
		out = append(out, &spec.Error{File: in.graph.File, At: at, Msg: who + " " + msg})
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// missing asks the daemon for a mount of a secret or an agent, as one is made for a
// step. No step runs for it, and nothing of a secret comes here.
func (r *request) missing(ctx context.Context, m *pb.Mount, id string) bool {
	container, err := r.gateway.NewContainer(ctx, client.NewContainerRequest{Mounts: []client.Mount{
		{Dest: pb.RootMount, MountType: pb.MountType_BIND},
		{Dest: "/asked", MountType: m.MountType, SecretOpt: m.SecretOpt, SSHOpt: m.SSHOpt},
	}})
	if err == nil {
		_ = container.Release(ctx) // it never ran
		return false
	}
	text := err.Error()
	return strings.Contains(text, "secret "+id+": not found") || strings.Contains(text, "no SSH key") || strings.Contains(text, "unset ssh forward key")
}

// required are the secrets and agents that a definition's steps cannot run without.
func required(def *llb.Definition) []*pb.Mount {
	var out []*pb.Mount
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil
		}
		for _, m := range op.GetExec().GetMounts() {
			secret, agent := m.GetSecretOpt(), m.GetSSHOpt()
			if secret != nil && !secret.Optional || agent != nil && !agent.Optional {
				out = append(out, m)
			}
		}
		for _, v := range op.GetExec().GetSecretenv() {
			if !v.Optional {
				out = append(out, &pb.Mount{MountType: pb.MountType_SECRET, SecretOpt: &pb.SecretOpt{ID: v.ID}})
			}
		}
	}
	return out
}

// needs is the place in the build file of what needs a secret or an agent, and what
// that is called.
func (in *input) needs(m *pb.Mount, id string) (at spec.Range, who string) {
	for _, s := range slices.Concat(in.file.Setup.Scripts, in.file.Setup.FinalCleanup) {
		if m.MountType == pb.MountType_SSH && s.SSH {
			return s.At, path.Base(s.Path.Value)
		}
		for _, secret := range s.Secrets {
			if m.MountType == pb.MountType_SECRET && secret.ID.Value == id {
				return secret.At, path.Base(s.Path.Value)
			}
		}
	}
	for _, repository := range in.file.Setup.Repositories {
		if repository.Credentials.Value == id {
			return repository.Credentials.At, "the repository " + repository.Name.Value
		}
	}
	return in.file.Base.At, "the build"
}
