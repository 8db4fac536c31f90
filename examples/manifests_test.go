package examples

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const manifests = "postgresql/kubernetes"

// manifest is what the test asks of an object of Kubernetes.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ServiceName string
		Selector    yaml.MapSlice
		Template    struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []container
				Volumes    []named
			}
		}
		VolumeClaimTemplates []struct{ Metadata named }
		Ports                []struct{ TargetPort any }
	}
}

type named struct{ Name string }

type container struct {
	Env                                         []named
	Ports                                       []named
	VolumeMounts                                []named
	StartupProbe, LivenessProbe, ReadinessProbe struct{ HTTPGet, TCPSocket struct{ Port string } }
}

// objects returns those of a file.
func objects(t *testing.T, name string) (out []manifest) {
	t.Helper()
	data, err := fs.ReadFile(files, name)
	require.NoError(t, err)
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err, name)
		out = append(out, m)
	}
}

// Every file of the manifests is part of a kustomization, and what they name in one another is there.
func TestManifests(t *testing.T) {
	readme, err := fs.ReadFile(files, "postgresql/README.md")
	require.NoError(t, err)
	listed, labels, services := map[string]bool{}, map[string]string{}, map[string]manifest{}
	var pods []manifest
	require.NoError(t, fs.WalkDir(files, manifests, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if path.Base(name) == "kustomization.yaml" {
			var k struct {
				Resources []string
				Patches   []struct{ Path string }
			}
			data, err := fs.ReadFile(files, name)
			require.NoError(t, err)
			require.NoError(t, yaml.Unmarshal(data, &k))
			for _, p := range k.Patches {
				k.Resources = append(k.Resources, p.Path)
			}
			for _, r := range k.Resources {
				listed[path.Join(path.Dir(name), r)] = true
			}
			return nil
		}
		listed[name] = listed[name] || false
		for _, m := range objects(t, name) {
			require.NotEmpty(t, m.Metadata.Name, name)
			switch m.Kind {
			case "Service":
				services[m.Metadata.Name] = m
			case "StatefulSet", "Deployment":
				pods = append(pods, m)
			}
		}
		return nil
	}))
	for name, there := range listed {
		assert.True(t, there, "no kustomization names %s", name)
	}
	require.Len(t, pods, 3, "the nodes, their patch for backups, and the pooler")
	for _, p := range pods {
		have := map[string]bool{}
		for _, v := range p.Spec.Template.Spec.Volumes {
			have[v.Name] = true
		}
		for _, v := range p.Spec.VolumeClaimTemplates {
			have[v.Metadata.Name] = true
		}
		for _, c := range p.Spec.Template.Spec.Containers {
			for _, e := range c.Env {
				known := strings.HasPrefix(e.Name, "PATRONI_KUBERNETES_") || strings.HasPrefix(e.Name, "PGBACKREST_")
				assert.True(t, known || strings.Contains(string(readme), e.Name), "%s is no variable of the image", e.Name)
			}
			for _, v := range c.VolumeMounts {
				assert.True(t, have[v.Name], "no volume %s", v.Name)
			}
			ports := map[string]bool{"": true}
			for _, port := range c.Ports {
				ports[port.Name] = true
			}
			assert.True(t, ports[c.StartupProbe.HTTPGet.Port] && ports[c.LivenessProbe.HTTPGet.Port] && ports[c.ReadinessProbe.HTTPGet.Port] &&
				ports[c.ReadinessProbe.TCPSocket.Port], p.Metadata.Name)
		}
		for key, value := range p.Spec.Template.Metadata.Labels {
			labels[key+"="+value] = p.Metadata.Name
		}
		if p.Spec.ServiceName != "" {
			assert.Contains(t, services, p.Spec.ServiceName)
		}
	}
	for name, s := range services {
		for _, item := range s.Spec.Selector {
			if item.Key != "role" { // Patroni's
				assert.Contains(t, labels, fmt.Sprintf("%v=%v", item.Key, item.Value), name)
			}
		}
	}
}
