package lock

import (
	"bufio"
	"bytes"
	"strings"
)

// StatusFile is where dpkg keeps its database, seen from the root.
const StatusFile = "var/lib/dpkg/status"

// Installed reads dpkg's status file (deb-status(5) has its form): the versions
// of the packages that are installed, by name, and by name:architecture for the
// second architecture of one.
func Installed(status []byte) map[string]string {
	out := map[string]string{}
	var name, arch, version string
	installed := false
	end := func() {
		if installed && name != "" {
			if _, twice := out[name]; twice {
				name += ":" + arch
			}
			out[name] = version
		}
		name, arch, version, installed = "", "", "", false
	}
	lines := bufio.NewScanner(bytes.NewReader(status))
	lines.Buffer(nil, len(status)+1)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "":
			end()
		case "Package":
			name = value
		case "Architecture":
			arch = value
		case "Version":
			version = value
		case "Status":
			installed = strings.HasSuffix(value, " installed")
		}
	}
	end()
	return out
}

// Added are the packages of a root that its base does not have, or has in
// another version.
func Added(root, base map[string]string) map[string]string {
	out := map[string]string{}
	for name, version := range root {
		if base[name] != version {
			out[name] = version
		}
	}
	return out
}
