//go:build full

package corpus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// TestKinds builds random Dockerfiles of many stages, each a copy and a line
// below it: a program, a way to name what it works on, and the place that this
// was copied to.
func TestKinds(t *testing.T) {
	p := newProver(testenv.Shared(t))
	p.recorders(t)
	p.random(t, usualKinds(), drawKinds, succeeds)
}

// TestLinesBelowCopies builds each line of lines, below a copy to / and one to /opt.
func TestLinesBelowCopies(t *testing.T) {
	p := newProver(testenv.Shared(t))
	p.recorders(t)
	for _, layout := range []string{"COPY d /data", "WORKDIR /opt\nCOPY d data"} {
		for some := range slices.Chunk(lines(), 20) {
			var stages [][]string
			for _, line := range some {
				stages = append(stages, []string{layout, "RUN " + line})
			}
			v, err := p.prove(t.Context(), stacked(stages).specimen())
			require.NoError(t, err)
			if len(v.mismatches) > 0 {
				t.Errorf("%s\n%s\n%s", strings.Join(v.mismatches, "\n"), v.traces, strings.Join(some, "\n"))
			}
		}
	}
}

// stacked is a Dockerfile of stages on the recorders' image. Its last one takes
// the roots of all, without the programs that all have.
func stacked(stages [][]string) sketch {
	var s sketch
	for n, lines := range stages {
		s = append(s, atom{"Dockerfile", fmt.Sprintf("FROM localhost:5000/corpus/recorders AS s%d", n)})
		for _, line := range lines {
			s = append(s, atom{"Dockerfile", line})
		}
	}
	s = append(s, atom{"Dockerfile", "FROM scratch"})
	for n := range stages {
		s = append(s, atom{"Dockerfile", collected(n)})
	}
	return append(s, atom{"d/hello.txt", "hi"}, atom{"d/sub/x.txt", "x"}, atom{"d/sub/y.conf", "key = hi"}, atom{"d/tool", "#!/bin/sh"}, atom{"d/tool", "frobnicate tool"})
}

// collected copies a stage's root, without the programs that all have.
func collected(n int) string {
	return fmt.Sprintf("COPY --from=s%d --exclude=bin --exclude=usr/bin / /%d/", n, n)
}

// drawKinds makes a Dockerfile of 20 stages.
func drawKinds(r *rand.Rand) sketch {
	stages := make([][]string, 20)
	for n := range stages {
		stages[n] = (&kind{r}).stage()
	}
	return stacked(stages)
}

// kind draws what one stage does.
type kind struct{ *rand.Rand }

func (k *kind) one(list ...string) string { return list[k.IntN(len(list))] }

// stage draws a copy, and a line or two below it.
func (k *kind) stage() []string {
	above := k.one("/", "/opt", "/srv", "/root", "/home/app", "/usr/local", "/tmp", "/var/lib", "/etc")
	place := strings.TrimSuffix(above, "/") + "/" + k.one("data", "d", "conf.d")
	flags := k.one("", "", "", "--chown=33:44 ", "--chmod=0750 ", "--link ")
	var out []string
	switch k.IntN(7) {
	case 0:
		out = []string{"WORKDIR " + above, "COPY " + flags + "d " + strings.TrimPrefix(place, strings.TrimSuffix(above, "/")+"/")}
	case 1:
		out = []string{"RUN mkdir -p " + place + "/sub && chmod 2710 " + place, "COPY " + flags + "d " + place}
	case 2:
		out = []string{"WORKDIR " + place, "COPY " + flags + "d ."}
	case 3:
		out = []string{"COPY " + flags + "d/hello.txt d/tool " + place + "/", "COPY d/sub " + place + "/sub"}
	case 4:
		out = []string{"COPY " + flags + ". " + strings.TrimSuffix(above, "/") + "/ctx", "RUN mv " + strings.TrimSuffix(above, "/") + "/ctx/d " + place}
	default:
		out = []string{"COPY " + flags + "d " + place}
	}
	out = append(out, k.line(place))
	if k.IntN(3) == 0 {
		out = append(out, k.line(place))
	}
	return out
}

// line draws a RUN that works on a directory.
func (k *kind) line(dir string) string {
	program := k.one(programs()...)
	if k.IntN(6) == 0 { // what it does unasked
		return "RUN " + k.one("assemble", "tidy", "seal", "frobnicate", "mirror", "lister=1 frobnicate", "cd "+dir+" && mirror", "cd / && tidy && seal")
	}
	above, base := dir[:max(1, strings.LastIndex(dir, "/"))], dir[strings.LastIndex(dir, "/")+1:]
	on := func(name string) string { return strings.ReplaceAll(program, "@", name) }
	quoted := strings.ReplaceAll(on(`"$1"`), "'", `'\''`)
	line := k.one(
		on(dir), on(dir), on(dir+"/."), on(dir+"/sub/.."), on("$(echo "+dir+")"), on("/../"+strings.TrimPrefix(dir, "/")),
		"cd "+above+" && { "+on(base)+"; }", "cd "+above+"; "+on("./"+base), "cd "+dir+" && { "+on(".")+"; }", "cd "+dir+"/sub && { "+on("..")+"; }", "(cd "+dir+"; "+on("$PWD")+")",
		"D="+dir+"; "+on("$D"), "D="+above+"; "+on("${D%/}/"+base), "set -- "+dir+"; "+on(`"$1"`), "for d in "+dir+"; do "+on("$d")+"; done", "f() { "+on(`"$1"`)+"; }; f "+dir,
		on(dir[:len(dir)-1]+"*"), on(dir[:len(dir)-1]+"?"), "eval '"+strings.ReplaceAll(on(dir), "'", `'\''`)+"'", "sh -c '"+quoted+"' sh "+dir, "echo "+dir+" | while read -r d; do "+on("$d")+"; done",
		"echo "+dir+" | xargs -n 1 sh -c '"+quoted+"' sh", "find "+above+" -maxdepth 1 -name "+base+" -exec sh -c '"+quoted+"' sh {} \\;", "ln -s "+dir+" /link; "+on("/link/."), "cd "+dir+"; cd -; "+on(dir),
		"cd /; "+on(strings.TrimPrefix(dir, "/")), "echo 'cd "+dir+"' >/c; . /c; "+on("."),
	)
	switch k.IntN(4) {
	case 0:
		return "RUN { " + line + "; } >/flag 2>&1 || true"
	case 1:
		return "RUN <<EOF\n" + line + "\nEOF"
	case 2:
		return "ENV WHERE=" + dir + "\nRUN " + on(`"$WHERE"`)
	}
	return "RUN " + line
}

// programs are commands on a directory, which is @.
func programs() []string {
	return strings.Split(strings.TrimSpace(`
stat -c '%a %u %g' @ >>/flag
stat @ >/dev/null && echo y >>/flag
stat -c '%n %a %u:%g' @/* >>/flag
ls -ld @ | cut -c1-10 >>/flag
ls -la @ | awk '{print $1, $3, $4, $9}' >>/flag
ls -R @ >>/flag
ls @ >>/flag
find @ | sort >>/flag
find @ -type f -name '*.txt' | sort >>/flag
find @ -name hello.txt -delete
find @ -type f | xargs cat >>/flag
find @ -type d -exec chmod 711 {} +
du -a @ | cut -f2 | sort >>/flag
tar -cf - @ 2>/dev/null | tar -tf - | sort >>/flag
tar -C @ -cf /d.tar . && tar -tf /d.tar | sort >>/flag && rm /d.tar
grep -rl hi @ | sort >>/flag
cat @/*.txt >>/flag
echo @/* >>/flag
for f in @/*; do echo $f >>/flag; done
sha256sum @/hello.txt >>/flag
cp -a @ /backup
cp -r @/. /merged
cp @/hello.txt /one
ln @/hello.txt /hard
ln -s @ /soft
mv @/hello.txt /moved
chmod 700 @
chmod -R go-rx @
chmod g+s @
chmod +x @/*
chmod 0600 @/hello.txt
chmod -R u=rwX,go=rX @
chown 5:6 @
chown -R 33:33 @
chown 7 @/sub/*
chgrp -R 0 @
touch @/new
mkdir -p @/new
mkdir -m 0700 @/private
mktemp @/x.XXXXXX >/dev/null && rm @/x.*
mktemp -d -p @ >/dev/null && rm -r @/tmp.*
rm -rf @
rm -f @/hello.txt
rm -rf @/*
rmdir @/sub 2>/dev/null || echo full >>/flag
test -w @/hello.txt && echo w >>/flag
[ -d @ ] && echo d >>/flag
[ -O @ ] && echo o >>/flag
[ @/hello.txt -ef @/sub/../hello.txt ] && echo same >>/flag
if stat @ >/dev/null 2>&1; then echo y >>/flag; else echo n >>/flag; fi
realpath @ >>/flag
readlink -f @/sub >>/flag
dd if=@/hello.txt of=/flag 2>/dev/null
tee @/teed </etc/passwd >/dev/null
sort -o @/hello.txt @/hello.txt
sed -i 's/hi/ho/' @/hello.txt
sed -n 'w /flag' @/hello.txt
awk '{print > "/flag"}' @/hello.txt
echo more >>@/hello.txt
head -n 1 <@/hello.txt >>/flag
while read -r l; do echo "<$l>" >>/flag; done <@/hello.txt
umask 077; mkdir -p @/masked
touch -r @/hello.txt /ref
df @ >/dev/null && echo ok >>/flag
wc -l @/hello.txt >>/flag
diff -r @ /etc >/dev/null 2>&1; echo $? >>/flag
@/tool
sh @/tool
PATH=@:$PATH tool
frobnicate @
make -C @
python3 -m x @
git -C @ status
curl --config @/sub/y.conf
rm -rf @ && frobnicate
cat @/sub/*.conf @/hello.txt >>/flag
id -u >>/flag; stat -c %U @ >>/flag
gzip -k @/hello.txt && rm @/hello.txt.gz
test -e @/none || echo none >>/flag
cd @ && pwd >>/flag
env frobnicate @
timeout 20 frobnicate @
xargs -a /dev/null frobnicate @
`), "\n")
}

// lines are single lines below /data or /opt/data.
func lines() []string {
	return strings.Split(strings.TrimSpace(`
stat data /data 2>/dev/null; echo $? >/flag
if stat /data >/dev/null 2>&1; then echo y >/flag; else echo n >/flag; fi
stat -c %a /data >/flag || true
mktemp -p /data >/dev/null && ls /data | wc -l >/flag && rm /data/tmp.* || echo n >/flag
mktemp -d /data/fixed.XXXXXX >/dev/null && rmdir /data/fixed.* || echo n >/flag
f=$(mktemp -p /data) && echo ok >/flag && rm $f || true
ln /data/hello.txt /hard && echo ok >/flag || true
ln data/hello.txt hard && echo ok >/flag || true
touch -r /data/hello.txt /ref && echo ok >/flag || true
tar -tf /data/hello.txt 2>/dev/null; echo $? >/flag
dd if=/data/hello.txt of=/flag || true
ls -ld /data | cut -c1-10 >/flag
stat -c '%a %u %g' /data/hello.txt >/flag || true
(cd /; stat -c %a data) >/flag 2>/dev/null || true
find /data 2>/dev/null | sort >/flag
ls -la /data | awk '{print $1,$9}' >/flag
df /data >/dev/null && echo ok >/flag || true
for f in /*; do echo $f; done >/flag
echo /data/* >/flag
[ -O /data ] && echo y >/flag || true
[ /data/hello.txt -ef /data/sub/../hello.txt ] && echo y >/flag || true
realpath /data/sub >/flag || true
cp -a /data /backup && find /backup | sort >/flag || true
mv /data /data2 && find /data2 >/flag || true
umask 077; mkdir -p /data/new && stat -c %a /data/new >/flag
chmod 700 /data && stat -c %a /data >/flag || true
test -w /data/hello.txt && echo w >/flag || true
echo more >>/data/hello.txt && cat /data/hello.txt >/flag || true
rm -rf /data && ls / >/flag
id -u >/flag; stat -c %U /data >>/flag || true
D=/data; cd $D && stat -c %n . * >/flag || true
cd /opt && find . -name hello.txt >/flag
cd /opt && find -name hello.txt >/flag
cd /opt && find . -type f | sort >/flag
cd /opt && ls -R . >/flag
cd /opt && ls -R >/flag
cd /opt && grep -rl hi . >/flag || true
cd /opt && du -a . | cut -f2 | sort >/flag
cd /opt && echo * >/flag
cd /opt && ls >/flag
cd /opt && tar -cf - . | tar -tf - >/flag
find /opt -name hello.txt >/flag
find ./opt -name hello.txt >/flag 2>/dev/null || true
find opt -name hello.txt >/flag 2>/dev/null || true
cd /opt && chmod -R 700 .
chmod -R go-rwx data 2>/dev/null || true
cd /opt && chown -R 5:6 .
du -a 2>/dev/null | cut -f2 | sort >/flag
ls .. >/flag
cat ../data/* ../*/data/* >/flag 2>/dev/null || true
cp -l data/hello.txt linked 2>/dev/null && echo ok >/flag || true
sort -o /data/hello.txt /data/hello.txt 2>/dev/null || true
awk '{print > "/data/awk"}' /etc/passwd 2>/dev/null || true
find / -name hello.txt 2>/dev/null | xargs rm -f
find /data /opt -name '*.txt' 2>/dev/null | xargs -n 1 sh -c 'echo more >>"$0"'
`), "\n")
}
