package proof

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// collect copies the programs that the scripts run, and their libraries, out
// of Debian: some megabytes, so that a squash, which walks the whole root, is
// done in an instant.
const collect = `
set -eu
mkdir -p /out/bin /out/usr/bin /out/etc /out/tmp /out/root /out/var/lib/packages /out/var/lib/marked /out/etc/apt/apt.conf.d
chmod 1777 /out/tmp
for p in sh cat cp mkdir rm rmdir chmod chown stat find sort sha256sum grep sed awk cut comm dirname xargs env ls; do
    from=$(readlink -f "$(command -v $p)")
    cp "$from" /out/bin/$p
    for lib in $(ldd "$from" 2>/dev/null | grep -o '/[^ ]*'); do
        mkdir -p "/out$(dirname "$lib")"
        cp -Ln "$lib" "/out$lib"
    done
done
echo 'root:x:0:0:root:/root:/bin/sh' >/out/etc/passwd
echo 'root:x:0:' >/out/etc/group
: >/out/etc/apt/apt.conf.d/docker-clean
cd /out/bin
cat >apt-get <<'SCRIPT'
#!/bin/sh
set -eu
case $1 in
update) ;;
--simulate) for p in $(ls /var/lib/marked); do echo "Remv $p"; done ;;
install)
    shift
    for p; do case $p in -*) ;; *-) rm -f "/var/lib/packages/${p%-}" ;; *) : >"/var/lib/packages/${p%%=*}" ;; esac; done ;;
purge)
    shift
    for p; do case $p in -*) ;; *) rm -f "/var/lib/packages/$p" "/var/lib/marked/$p" ;; esac; done ;;
esac
SCRIPT
cat >apt-cache <<'SCRIPT'
#!/bin/sh
echo " $2 | 7 | archive"
SCRIPT
cat >apt-mark <<'SCRIPT'
#!/bin/sh
shift
for p; do : >"/var/lib/marked/$p"; done
SCRIPT
cat >dpkg-query <<'SCRIPT'
#!/bin/sh
ls /var/lib/packages
SCRIPT
cat >groupadd <<'SCRIPT'
#!/bin/sh
if [ "$1" = --system ]; then set -- --gid 900 "$2"; fi
echo "$3:x:$2:" >>/etc/group
SCRIPT
cat >usermod <<'SCRIPT'
#!/bin/sh
echo "$@" >>/etc/groups
SCRIPT
cat >useradd <<'SCRIPT'
#!/bin/sh
for name; do :; done
echo "$name:x:$2:$4::$6:/bin/sh" >>/etc/passwd
SCRIPT
chmod 755 apt-get apt-cache apt-mark dpkg-query groupadd useradd usermod
`

// bases pushes the base images and returns their names: two that differ, and
// a third that has the layers of the first and other labels.
func bases(t *testing.T, env *testenv.Env) []string {
	t.Helper()
	debian := llb.Image("docker.io/library/debian:bookworm-slim")
	small := debian.Run(llb.Args([]string{"/bin/sh", "-c", collect})).AddMount("/out", llb.Scratch())
	other := small.File(llb.Mkfile("/etc/base-version", 0o644, []byte("two\n")))
	var names []string
	for i, st := range []llb.State{small, other} {
		name := "proof/base:" + string(rune('1'+i))
		_, err := env.Daemon.Build(t.Context(), testenv.Request{State: &st, Image: name})
		require.NoError(t, err)
		names = append(names, env.Registry.Ref(name))
	}
	dir := testenv.Tree(t, map[string]string{"Dockerfile": "FROM " + names[0] + "\nLABEL other=yes\n"})
	request := testenv.Request{Context: dir, Image: "proof/base:labels"}
	request.Frontend = "dockerfile.v0"
	_, err := env.Daemon.Build(t.Context(), request)
	require.NoError(t, err)
	return append(names, env.Registry.Ref("proof/base:labels"))
}
