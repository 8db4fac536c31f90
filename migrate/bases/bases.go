// Package bases tells what is known of base images by their names.
package bases

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/accounts"
	"github.com/pgstrata/pgstrata/shell"
)

// DefaultPath is the PATH of an image that sets none, as Docker has it.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Known is what is known of a base image's configuration by its name alone,
// nil for nothing: Debian's and Ubuntu's, and the official images of PostgreSQL
// (https://github.com/docker-library/postgres). It is good for
// [dockerfile.Options.Base] where no daemon is asked.
func Known(ref string) *ocispecs.ImageConfig {
	name, tag := NameAndTag(ref)
	switch name {
	case "debian", "ubuntu":
		return &ocispecs.ImageConfig{Env: []string{"PATH=" + DefaultPath}}
	case "postgres":
		major := leadingNumber(tag)
		if major == "" || strings.Contains(tag, "alpine") {
			return nil
		}
		return &ocispecs.ImageConfig{Env: []string{
			"PATH=" + DefaultPath + ":/usr/lib/postgresql/" + major + "/bin",
			"LANG=en_US.utf8", "PG_MAJOR=" + major, "PGDATA=/var/lib/postgresql/data",
		}}
	}
	return nil
}

// Accounts are the ids of accounts that a base image is known to have.
func Accounts(ref string) accounts.IDs {
	uids, gids := map[string]int{"root": 0}, map[string]int{"root": 0}
	name, tag := NameAndTag(ref)
	if name == "postgres" {
		id := 999
		if strings.Contains(tag, "alpine") {
			id = 70
		}
		uids["postgres"], gids["postgres"] = id, id
	}
	if name == "debian" || name == "ubuntu" || name == "postgres" && !strings.Contains(tag, "alpine") { // as base-passwd has them
		for n, id := range map[string]int{"daemon": 1, "bin": 2, "sys": 3, "mail": 8, "www-data": 33, "nobody": 65534} {
			uids[n] = id
		}
		for n, id := range map[string]int{"daemon": 1, "bin": 2, "sys": 3, "adm": 4, "tty": 5, "disk": 6, "mail": 8, "www-data": 33, "staff": 50, "users": 100, "nogroup": 65534} {
			gids[n] = id
		}
	}
	return accounts.IDs{Uids: uids, Gids: gids}
}

// Busybox reports whether programs of a stage are busybox's, which lack options
// that GNU's have: by the image's name, or by the package manager that it uses.
func Busybox(s *dockerfile.StageReading) bool {
	image := s.Bottom().Image
	if name, _ := NameAndTag(image); name == "busybox" || check.NamedDistribution(image) == check.Alpine {
		return true
	}
	return slices.ContainsFunc(s.All(), func(step *dockerfile.Step) bool {
		return slices.ContainsFunc(step.Programs(), func(p *shell.Program) bool {
			return slices.ContainsFunc(p.Main.Calls, func(c *shell.Call) bool { return check.Packager(c) == check.Alpine })
		})
	})
}

// NameAndTag are the last part of an image's name, and its tag.
func NameAndTag(ref string) (name, tag string) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", ""
	}
	path := reference.Path(named)
	name = path[strings.LastIndex(path, "/")+1:]
	if tagged, ok := named.(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	return name, tag
}

// leadingNumber is the number that a tag begins with: 15 of 15.4-bookworm.
func leadingNumber(tag string) string {
	end := strings.IndexFunc(tag, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return tag
	}
	return tag[:end]
}
