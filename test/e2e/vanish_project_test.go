package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// project is a random setup by packages of its own archive, as a build file or
// as a Dockerfile: what steps leave for each other is the file system, and in it
// apt's lists. So each can be built whatever became of the cache mounts.
type project struct {
	name    string
	form    string // build file, driver, lines
	scripts []string
	cleanup bool
}

// forms are the ways to write a project down.
var forms = []string{"build file", "driver", "driver with mounts", "lines"} //nolint:gochecknoglobals // a table

// archive makes an archive of four packages and fetches its list. x1 needs x0,
// which apt therefore takes for installed automatically.
const archive = `rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
mkdir -p /srv/repo && cd /srv/repo
export SOURCE_DATE_EPOCH=1600000000
for i in 0 1 2 3; do
    mkdir -p x$i/DEBIAN x$i/opt
    needs=$([ $i != 1 ] || echo 'Depends: PROJECT-x0')
    printf 'Package: PROJECT-x%s\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' $i >x$i/DEBIAN/control
    [ -z "$needs" ] || echo "$needs" >>x$i/DEBIAN/control
    echo PROJECT >x$i/opt/x$i
    dpkg-deb --root-owner-group -b x$i x$i.deb >/dev/null
    { cat x$i/DEBIAN/control; echo "Filename: ./x$i.deb"; echo "Size: $(stat -c %s x$i.deb)"; echo "SHA256: $(sha256sum x$i.deb | cut -d' ' -f1)"; echo; } >>Packages
    rm -r x$i
done
echo 'deb [trusted=yes] copy:/srv/repo ./' >/etc/apt/sources.list
printf '#!/bin/sh\nexec apt-get install -y --no-install-recommends "$@" >/dev/null\n' >/usr/local/bin/inst
chmod 755 /usr/local/bin/inst
apt-get update >/dev/null
`

// draw draws a project whose scripts succeed one after another.
func draw(r *rand.Rand, name, form string) project {
	p := project{name: name, form: form, scripts: []string{strings.ReplaceAll(archive, "PROJECT", name)}, cleanup: r.IntN(2) == 0}
	lists := true
	for i := range 2 + r.IntN(3) {
		pkg := fmt.Sprintf("%s-x%d", name, r.IntN(4))
		var ops []string
		if lists {
			ops = []string{
				"apt-get install -y " + pkg + " >/dev/null", "inst " + pkg,
				"apt-get install -y " + pkg + " >/dev/null && rm -rf /var/lib/apt/lists/*",
				"rm -f /etc/apt/apt.conf.d/docker-clean && apt-get install -y " + pkg + " >/dev/null",
				"apt-get install -y --download-only " + pkg + " >/dev/null && { ls /var/cache/apt/archives | grep -c deb$ || true; } >/downloaded", // none where it is installed already
				"apt-cache policy " + pkg + " | grep -o 'Candidate.*' >/candidate" + fmt.Sprint(i),
			}
		}
		ops = append(ops,
			"apt-get update >/dev/null && apt-get install -y "+pkg+" >/dev/null",
			"apt-get update >/dev/null",
			"apt-get remove -y "+name+"-x1 >/dev/null 2>&1 || true; apt-get autoremove -y >/dev/null",
			"apt-get clean", "rm -rf /var/lib/apt/lists/*", "ls /var/lib/apt/lists /var/cache/apt | sort >/seen"+fmt.Sprint(i),
			"echo kept >/var/cache/kept", "sha256sum /srv/repo/* >/sums",
		)
		if form == "driver with mounts" { // BuildKit's own step would show what other builds left in the mount
			ops = slices.DeleteFunc(ops, func(op string) bool { return strings.Contains(op, "ls /var") })
		}
		op := ops[r.IntN(len(ops))]
		switch {
		case strings.Contains(op, "rm -rf /var/lib/apt/lists"):
			lists = false
		case strings.Contains(op, "apt-get update"):
			lists = true
		}
		p.scripts = append(p.scripts, op+"\n")
	}
	return p
}

// remembered are projects that once went wrong.
func remembered() []project {
	return []project{{
		// The second script's mount hid from apt what the first had downloaded, so that it stayed.
		name: "downloaded", form: "driver", scripts: []string{
			strings.ReplaceAll(archive, "PROJECT", "downloaded"),
			"apt-get install -y --download-only downloaded-x1 >/dev/null && { ls /var/cache/apt/archives | grep -c deb$ || true; } >/downloaded\n",
			"apt-get update >/dev/null && apt-get install -y downloaded-x0 >/dev/null\n",
		},
	}}
}

// String tells a project so that it can be written down again.
func (p project) String() string {
	return p.form + "\n" + strings.Join(p.scripts[1:], "--\n")
}

// tree writes a project.
func (p project) tree() map[string]string {
	out := map[string]string{}
	var names []string
	for i, text := range p.scripts {
		name := fmt.Sprintf("setup/scripts/%02d.sh", i)
		out[name] = "#!/bin/sh\nset -e\n" + text
		names = append(names, "/"+name)
	}
	flags := ""
	switch p.form {
	case "build file":
		out["Dockerfile"] = "base: debian:bookworm-slim\n"
		if p.cleanup {
			out["Dockerfile"] += "setup: {final_cleanup: [setup/cleanup.sh]}\n"
			out["setup/cleanup.sh"] = "#!/bin/sh\nset -e\napt-get autoremove -y >/dev/null\nrm -rf /var/lib/apt/lists/*\n"
		}
		return out
	case "lines":
		out["Dockerfile"] = "FROM debian:bookworm-slim\nCOPY setup /setup\nRUN " + strings.Join(names, "\nRUN ") + "\n"
		return out
	case "driver with mounts":
		flags = "--mount=type=cache,target=/var/cache/apt,sharing=locked "
	}
	out["setup/setup.sh"] = "#!/bin/sh\nset -e\n" + strings.Join(names, "\n") + "\n"
	out["Dockerfile"] = "FROM debian:bookworm-slim\nCOPY setup /setup\nRUN " + flags + "/setup/setup.sh\n"
	return out
}
