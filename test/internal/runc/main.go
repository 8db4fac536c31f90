// Command runc is runc on a machine that is a container itself: a capability that the machine lacks is not asked for, so
// that a privileged container has all that can be given. On any other machine it is runc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/sys/capability"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "runc:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	value := func(flag string) (string, bool) {
		i := slices.Index(args, flag)
		return strings.Join(args[i+1:min(i+2, len(args))], ""), i >= 0
	}
	var err error
	if bundle, ok := value("--bundle"); ok { // runc create
		config := new(specs.Spec)
		err = edit(filepath.Join(bundle, "config.json"), config, func() error { return narrow(config.Process) })
	} else if file, ok := value("--process"); ok { // runc exec
		process := new(specs.Process)
		err = edit(file, process, func() error { return narrow(process) })
	}
	if err != nil {
		return err
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, args[1:]...), os.Environ()) //nolint:gosec // what it is for
}

// edit reads a file of JSON into a value, and writes it back changed.
func edit(file string, into any, change func() error) error {
	text, err := os.ReadFile(file) //nolint:gosec // containerd names it
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if text, err = json.Marshal(into); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// narrow takes the capabilities that this machine lacks from a process.
func narrow(process *specs.Process) error {
	if process == nil || process.Capabilities == nil {
		return nil
	}
	have, err := capability.NewPid2(0)
	if err != nil {
		return err
	}
	if err := have.Load(); err != nil {
		return err
	}
	lacks := func(name string) bool {
		return !slices.ContainsFunc(capability.ListKnown(), func(c capability.Cap) bool {
			return "CAP_"+strings.ToUpper(c.String()) == name && have.Get(capability.BOUNDING, c)
		})
	}
	sets := process.Capabilities
	for _, set := range []*[]string{&sets.Bounding, &sets.Effective, &sets.Inheritable, &sets.Permitted, &sets.Ambient} {
		*set = slices.DeleteFunc(*set, lacks)
	}
	return nil
}
