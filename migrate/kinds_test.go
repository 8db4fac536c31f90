package migrate

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// Kinds of lines, and what has to be in the build file, the generated scripts or
// the report, each with "-- NAME --" above it.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name, dockerfile string
		files            map[string]string
		has, lacks       []string
	}{
		{
			name:       "an arg without default stays one, in all that is made of it",
			dockerfile: "ARG TAG\nFROM example.org/pg:${TAG}\nARG V\nARG PORT\nENV PATH=$PATH:/usr/lib/$V/bin\nENV V=$V\nLABEL v=${V-none}\nEXPOSE $PORT\nVOLUME /data/$V\nRUN echo $V >/v\nUSER 1\n",
			files:      map[string]string{"a": "a"},
			has: []string{
				"base: example.org/pg:${TAG}", "  TAG: \"\"", "  V: \"\"", "  PORT: \"\"", "PATH: ${PATH}:/usr/lib/${V}/bin", "    V: ${V}", "v: ${V:-none}", "expose: [\"${PORT}\"]",
				"volumes: [\"/data/${V}\"]",
			},
		},
		{
			name:       "labels and the user refer to the base's variables",
			dockerfile: "FROM example.org/app:1\nARG V=1\nENV OWN=x$BASE\nLABEL base=$BASE-$V own=$OWN\nUSER ${APP_USER}\n",
			has:        []string{"base: ${BASE:-}-${V}", "own: x${BASE:-}", "user: ${APP_USER:-}"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "folders that a COPY makes for an owner are the owner's, where nothing else makes them",
			dockerfile: "FROM debian:12\nRUN groupadd -g 70 app && useradd -u 70 -g app app\nCOPY root/ /etc/one/\nCOPY --chown=app a/b/ /etc/x/y/\nCOPY --chown=app:app a/b/c /etc/one/two/c\nUSER app\n",
			files:      map[string]string{"a/b/c": "c", "a/b/sub/d": "d", "root/e": "e"},
			has: []string{
				"  filesystem:\n", "    - {directory: /etc/x, owner: app, keep: true}\n", "    - {directory: /etc/x/y, owner: app, keep: true}\n",
				"    - {directory: /etc/one/two, owner: app, keep: true}\n",
				"folders above copied files are root's, with mode 0755: /etc/x/y/sub\n", // which the context has with another mode
			},
			lacks: []string{"directory: /etc/one,"},
		},
		{
			name:       "folders that a later command may make are told",
			dockerfile: "FROM debian:12\nRUN groupadd -g 70 app && useradd -u 70 -g app app\nCOPY --chown=app a/b/c /etc/x/y/\nRUN mkdir -p /etc/x/z\nUSER app\n",
			files:      map[string]string{"a/b/c": "c"},
			has:        []string{"folders above copied files are root's, with mode 0755: /etc/x\n", "    - {directory: /etc/x/y, owner: app, keep: true}\n"},
		},
		{
			name:       "what is piped behind a script of a driver goes along",
			dockerfile: "FROM debian\nCOPY setup /setup\nRUN /setup/all.sh\n",
			files: map[string]string{
				"setup/all.sh": "#!/bin/bash\nset -eo pipefail\n/setup/a.sh | tee -a /log\nnice /setup/b.sh\n",
				"setup/a.sh":   "#!/bin/sh\necho a\n", "setup/b.sh": "#!/bin/sh\necho b >/b\n",
			},
			has: []string{"set -o pipefail; ", "/setup/a.sh | tee -a /log", "nice "},
		},
		{
			name:       "a variable of ENV that scripts read has one value",
			dockerfile: "FROM debian\nENV PG 15\nENV PATH $PATH:/x/$PG/bin\nENV CONF=/etc/$PG\nRUN initdb --version $CONF >/v\n",
			has:        []string{"  PG: \"15\"", "/x/${PG}/bin\n", "CONF: /etc/${PG}", "    PATH: ${PATH}", "    PG: ${PG}", "    CONF: ${CONF}"},
			lacks:      []string{"/x/15/bin", "/etc/15"},
		},
		{
			name:       "an ARG that gives the variable of an ENV another value is told",
			dockerfile: "FROM debian\nARG V=1\nENV V=v$V W=w\nARG W\nARG V=2\nRUN echo $V $W >/v\n",
			has:        []string{"an ENV has set V, and from here on it has another value: a build file has one"},
			lacks:      []string{"an ENV has set W"},
		},
		{
			name:       "an ENV that has the value of the ARG of its name follows it",
			dockerfile: "FROM debian\nARG V=1\nARG W=1\nENV V=1 W=$W\nRUN echo $V $W >/v\n",
			has:        []string{"    V: ${V}", "    W: ${W}", "Dockerfile:4: ENV sets V whatever the ARG of that name says"},
			lacks:      []string{"ENV sets W"},
		},
		{
			name:       "a default is followed through ENV, into paths and scripts of stages",
			dockerfile: "FROM debian AS b\nARG V=1\nENV URL=http://e.org/$V.tar\nRUN wget $URL -O /out-$V\nFROM debian\nARG V=1\nENV DIR=/srv/$V\nWORKDIR $DIR\nWORKDIR sub\nCOPY --from=b /out-$V /usr/lib/$V/out\nEXPOSE 54$V\nLABEL dir=$DIR\n",
			has: []string{
				"export URL=\"http://e.org/${V}.tar\"", "outputs: [\"/usr/lib/${V}/out\"]", "cp -a \"/out-${V}\"", "working_dir: /srv/${V}/sub", "expose: [\"54${V}\"]", "dir: /srv/${V}",
			},
		},
		{
			name:       "a stage that copies the context has it as its input, and a pattern stays one",
			dockerfile: "FROM debian AS b\nCOPY . /src\nRUN make -C /src\nFROM debian AS c\nCOPY *.c lib/*.h /c/\nRUN make -C /c\nFROM debian\nCOPY --from=b /src/x /usr/bin/x\nCOPY --from=c /c/y /usr/bin/y\n",
			files:      map[string]string{"a.c": "a", "b.c": "b", "lib/x.h": "x"},
			has:        []string{"inputs: [.]", "inputs: [\"*.c\", lib/*.h]", "# From Dockerfile:1-3."},
		},
		{
			name:       "a command is in its working directory, and nowhere else",
			dockerfile: "FROM debian\nWORKDIR /opt/x\nRUN chmod -R 700 .\nRUN rm -rf *\nRUN cd sub && touch y\nRUN touch $F\nRUN apt-get update\n",
			has: []string{
				"cd /opt/x\nchmod -R 700 .", "cd /opt/x\nrm -rf *", "cd /opt/x\ncd sub\ntouch y", "cd /opt/x\ntouch $F", "set -e\napt-get update",
			},
		},
		{
			name:       "what an unknown program may read is in its place",
			dockerfile: "FROM debian\nARG UNSAID=1\nCOPY a /data/a\nCOPY b c /tmp/\nCOPY start.sh /start.sh\nRUN assemble /tmp/b\nENTRYPOINT [\"/start.sh\"]\n",
			files:      map[string]string{"a": "a", "b": "-r c", "c": "c", "start.sh": "#!/bin/sh\nexec x\n"},
			has:        []string{"/context/a /data/a", "/context/b /tmp/b", "/context/c /tmp/c", "{source: start.sh", "UNSAID: \"1\"", "args: [UNSAID]"},
			lacks:      []string{"no script reads"},
		},
		{
			name:       "a directory of which all files are placed is copied whole: what is added to it goes along",
			dockerfile: "FROM debian\nCOPY conf /etc/project\nCOPY --chown=7:8 owned /srv/owned\nCOPY mixed/*.conf /srv/mixed/\nRUN assemble\n",
			files:      map[string]string{"conf/a.conf": "a", "conf/sub/b.conf": "b", "owned/a": "a", "mixed/a.conf": "a", "mixed/b.txt": "b"},
			has: []string{
				"find /context/conf -mindepth 1 -maxdepth 1 -exec cp -a --no-preserve=ownership -t /etc/project {} +", "inputs: [conf/]",
				"install -D -m 0644 -o 7 -g 8 /context/owned/a /srv/owned/a", "install -D -m 0644 /context/mixed/a.conf /srv/mixed/a.conf",
				"Dockerfile:3: a generated script copies its files one by one", "Dockerfile:4: a generated script copies its files one by one",
			},
			lacks: []string{"/context/conf/a.conf", "Dockerfile:2: a generated"},
		},
		{
			name:       "a script that takes away the directory that it works in finds files there; what is copied there again is no link",
			dockerfile: "FROM debian\nCOPY s /opt/s\nRUN cd /opt/s && ./a.sh\nCOPY s /opt/s\nRUN /opt/s/b.sh\n",
			files:      map[string]string{"s/a.sh": "#!/bin/sh\nset -e\ntool\nrm -rf \"$PWD\"\n", "s/b.sh": "#!/bin/sh\ncat /opt/s/c\n", "s/c": "c"},
			has:        []string{"01-copy-s.sh, inputs: [s/]", "cd /opt/s\n./a.sh", "install -D -m 0644 /context/s/c /opt/s/c"},
			lacks:      []string{"ln -s", "cd /context"},
		},
		{
			name:       "files of a COPY with --parents, and of directories with --exclude, go where it puts them",
			dockerfile: "# syntax=docker/dockerfile:1-labs\nFROM debian\nCOPY --parents a/b ./a/./c/d /srv/\nCOPY --exclude=*.md --exclude=x docs /docs\nCOPY --exclude=*.md README.md /\nRUN assemble\nCOPY --parents end/e /\n",
			files:      map[string]string{"a/b/1": "1", "a/c/d": "d", "docs/a.md": "a", "docs/t": "t", "docs/x/y": "y", "docs/s/x": "x", "README.md": "r", "end/e": "e"},
			has: []string{
				"/context/a/b -mindepth 1 -maxdepth 1 -exec cp -a --no-preserve=ownership -t /srv/a/b", "/context/a/c/d /srv/c/d", "/context/docs/t /docs/t", "/context/docs/s/x /docs/s/x",
				"{source: end/e, target: /end/e", "lost: which files it copies is not known before a build",
			},
			lacks: []string{"a.md", "docs/x", "here-documents"},
		},
		{
			name:       "a script is named after what it builds, not after the packages for that",
			dockerfile: "FROM alpine:3.20\nRUN wget -O p.tar.gz https://e.org/p-1.tar.gz && mkdir /src && tar xzf p.tar.gz -C /src && apk add --virtual .build-deps gcc make && cd /src/pool && ./configure && make install\n",
			has:        []string{"01-build-pool.sh"},
		},
		{
			name:       "secrets keep their places, modes and variables, and are as optional as they were",
			dockerfile: "FROM debian\nRUN --mount=type=secret,id=a --mount=type=secret,id=b,env=TOKEN,required=true --mount=type=secret,source=c,target=/root/.netrc,mode=0440 --mount=type=secret,id=d,required=true fetch\n",
			has:        []string{"- {id: a, required: false}\n", "- {id: b, env: TOKEN}\n", "- {id: c, target: /root/.netrc, mode: \"0440\", required: false}\n        - d\n"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "an ARG that lists packages stays an argument",
			dockerfile: "FROM debian\nARG PKGS=\"a b\"\nARG V=1\nRUN apt-get update && apt-get install -y --no-install-recommends c-$V\nRUN apt-get update && apt-get install -y --no-install-recommends $PKGS\n",
			has:        []string{"runtime: [\"c-${V}\"]", "PKGS: a b", "apt-get install -y --no-install-recommends $PKGS"},
			lacks:      []string{"nothing reads"},
		},
		{
			name: "owners of args stay args; other numbers of args are told",
			dockerfile: "FROM debian\nARG U=1001\nARG G=1002\nARG M=0640\nCOPY --chown=$U:$G --chmod=$M a /etc/x/a\nCOPY --chown=$U b /etc/x/b\nCOPY c d /etc/x/\nRUN chown ${U}:$G /etc/x/c\n" +
				"RUN useradd -r -u $U usr\nCOPY --chown=usr:$G e /etc/x/e\nRUN assemble /etc/x/d\n",
			files: map[string]string{"a": "a", "b": "b", "c": "c", "d": "d", "e": "e"},
			has: []string{
				"/context/a /etc/x/a", " -o \"${U}\" -g \"${G}\" /context/a", " -o \"${U}\" -g \"${U}\" /context/b", " -o \"${U}\" -g \"${G}\" /context/c", " -o 1001 -g 1002 /context/e",
				"Dockerfile:5: M is written out as 0640", "Dockerfile:10: U is written out as 1001", "Dockerfile:10: G is written out as 1002",
			},
			lacks: []string{"Dockerfile:6: U is", "Dockerfile:8: U is"},
		},
		{
			name:       "a directory that --chmod or a chmod gives another mode is copied file by file",
			dockerfile: "FROM debian\nCOPY --chmod=0700 d /d\nCOPY e /e\nRUN chmod 0600 /e/a && assemble /d /e\nCOPY f /f\nRUN assemble /f\n",
			files:      map[string]string{"d/a": "a", "d/b": "b", "e/a": "a", "e/b": "b", "f/a": "a", "f/b": "b"},
			has:        []string{"install -D -m 0700 /context/d/a /d/a", "install -D -m 0600 /context/e/a /e/a", "find /context/f -mindepth 1"},
			lacks:      []string{"find /context/d", "find /context/e"},
		},
		{
			name:       "files beside those of a line that is lost are not taken for unread",
			dockerfile: "FROM debian\nCOPY prog.c base.sh /b/\nCOPY --from=other.example/image --chown=5 /x/* /b/\nWORKDIR /b\nRUN bash base.sh\n",
			files:      map[string]string{"prog.c": "c", "base.sh": "#!/bin/sh\ncc prog.c\n"},
			has:        []string{"/context/prog.c /b/prog.c", "/context/base.sh /b/base.sh"},
			lacks:      []string{"no script reads"},
		},
		{
			name:       "variables of a base that nobody knows are left to it",
			dockerfile: "FROM example.org/x\nENV PATH=$PATH:/opt/bin\nENV LD_LIBRARY_PATH=/opt/lib:$LD_LIBRARY_PATH\nRUN tool-$PG_MAJOR x\n",
			has:        []string{"export PATH=\"${PATH}:/opt/bin\"", "PG_MAJOR=${PG_MAJOR-}", "LD_LIBRARY_PATH: /opt/lib:${LD_LIBRARY_PATH:-}"},
		},
		{
			name:       "variables of a base that an arg names are left to it, whichever it is",
			dockerfile: "ARG BASE=postgres:15\nFROM $BASE\nENV PATH=$PATH:/opt/a\nENV PATH=/opt/b:$PATH TOOLS=/opt/$PG_MAJOR OWN=own\nRUN tool $TOOLS $OWN\n",
			has: []string{
				"export PATH=\"/opt/b:${PATH}:/opt/a\"", "export TOOLS=\"/opt/${PG_MAJOR}\"", "PATH: /opt/b:${PATH}:/opt/a", "TOOLS: /opt/${PG_MAJOR}", "  OWN: own",
			},
			lacks: []string{"/usr/local/sbin", "/opt/15"},
		},
		{
			name:       "a directory that a step needs is there, whoever copies to it",
			dockerfile: "FROM debian\nCOPY a /srv/x/a\nRUN mkdir /srv/x/sub\nCOPY a /srv/x/a\n",
			files:      map[string]string{"a": "a"},
			has:        []string{"mkdir -p /srv/x\nmkdir /srv/x/sub"},
		},
		{
			name:       "a path that may be a directory of the base is asked for",
			dockerfile: "FROM debian\nCOPY a /srv/x\nRUN chmod 711 /srv/x\n",
			files:      map[string]string{"a": "a"},
			has:        []string{"if [ -d /srv/x ]; then install -D -m 0644 /context/a -t /srv/x; else install -D -m 0644 /context/a /srv/x; fi", "chmod 711 /srv/x"},
		},
		{
			name:       "what pgstrata refuses is lost, and told",
			dockerfile: "FROM debian\nVOLUME data\nEXPOSE 0\nUSER a:b:c\nSTOPSIGNAL NOSUCH\nRUN true\n",
			has:        []string{"lost: pgstrata refuses it: a volume is an absolute path", "a port is a number from 1", "image.user is", "stop_signal"},
		},
		{
			name:       "an option's value in front of apt's verb is no package, and decides what is installed besides",
			dockerfile: "FROM debian\nRUN apt-get -o APT::Install-Recommends=false install -y curl\nRUN apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 less\n",
			has:        []string{"runtime: [curl]", "Dpkg::Use-Pty=0 less"},
			lacks:      []string{"runtime: [curl, ", "\"Dpkg::Use-Pty=0\""},
		},
		{
			name:       "a script is called after the comment above it, or what it makes",
			dockerfile: "FROM debian\n# Trust our own authority, since 2020.\nRUN cp /x /y\nRUN git clone https://e.org/pgvector.git /src/v && cd /src/v && make\nRUN echo x >/etc/motd\n",
			has:        []string{"setup/generated/01-trust-our-own-authority.sh", "setup/generated/02-pgvector.sh", "setup/generated/03-motd.sh"},
		},
		{
			name:       "a stage whose base may become another one is on a base of its own",
			dockerfile: "ARG V=1\nARG OLD=example.org/pg:1\nFROM ${OLD} AS old\nRUN make -C /x\nFROM example.org/pg:${V}\nCOPY --from=old /x/y /x/y\n",
			has:        []string{"base: example.org/pg:${V}", `base: "${OLD}"`},
		},
		{
			name:       "a directory that a script deletes is made again",
			dockerfile: "FROM debian\nRUN apt-get install -y postgresql-15 && rm -rf /var/lib/postgresql\nWORKDIR /var/lib/postgresql\n",
			has:        []string{"mkdir -p /var/lib/postgresql"},
		},
		{
			name:       "generated scripts lie where no driver finds them",
			dockerfile: "FROM debian\nCOPY setup /setup\nRUN /setup/all.sh\nRUN echo x >/etc/motd\n",
			files:      map[string]string{"setup/all.sh": "#!/bin/sh\nset -e\nfor f in /setup/*/*.sh; do \"$f\"; done\n", "setup/scripts/1.sh": "#!/bin/sh\necho 1\n"},
			has:        []string{"- generated/03-motd.sh"},
		},
		{
			name:       "an account of a line gets the number that useradd gives it",
			dockerfile: "FROM debian:bookworm-slim\nRUN useradd -r one\nRUN useradd -m app && mkdir /etc/app && chown app:app /etc/app\nCOPY run/ /opt/app/\nRUN chown -R app:app /opt/app/\n",
			files:      map[string]string{"run/a": "a", "run/b/c": "c"},
			has:        []string{"user: {name: app, uid: 1000, gid: 1000, home: /home/app}", "user: root", "chown app:app /etc/app", "owner: app"},
			lacks:      []string{"\nuseradd -m"},
		},
		{
			name:       "what ADD copies as it is, whatever its name, and what a tool of the system reads, is known",
			dockerfile: "FROM debian:12\nENV UNSAID=1\nADD node.cnf /srv/node.cnf\nRUN /usr/bin/install -d /var/x\n",
			files:      map[string]string{"node.cnf": "[x]\n"},
			has:        []string{"{source: node.cnf, target: /srv/node.cnf", "scripts: [setup/generated/01-x-directory.sh]"},
			lacks:      []string{"lost:", "args:"},
		},
		{
			name:       "a chown of a folder that has other files, too, gives copied files their owner",
			dockerfile: "FROM debian:12\nRUN useradd -r app && mkdir -p /opt/app/log\nCOPY e.sh /opt/app/e.sh\nRUN chown -R app:app /opt/app\nENTRYPOINT [\"/opt/app/e.sh\"]\n",
			files:      map[string]string{"e.sh": "#!/bin/sh\nexec x\n"},
			has:        []string{"target: /opt/app/e.sh, mode: \"0755\", owner: app", "\nchown -R app:app /opt/app\n"},
			lacks:      []string{"/context/e.sh"},
		},
		{
			name:       "an arg that only the line reads which runs a script is none of the script's",
			dockerfile: "FROM debian:12\nENV DIR=/opt/s FILE=a.sh\nCOPY s /opt/s\nRUN $DIR/$FILE\n",
			files:      map[string]string{"s/a.sh": "#!/bin/sh\ntouch /a\n"},
			has:        []string{"scripts: [s/a.sh]"},
			lacks:      []string{"args: ["},
		},
		{
			name:       "flags of one word, a shell, groups and a comment are an account's, too",
			dockerfile: "FROM debian:bookworm-slim\nRUN useradd -lrms /usr/sbin/nologin -G tty,www-data -c 'The app' app\nCOPY --chown=app a /a.txt\nUSER app\n",
			files:      map[string]string{"a": "a"},
			has:        []string{"user: {name: app, uid: 999, gid: 999, home: /home/app, shell: /usr/sbin/nologin, groups: [tty, www-data]}", "owner: app"},
			lacks:      []string{"\nuseradd"},
		},
		{
			name:       "each account to which copied files belong gets a number",
			dockerfile: "FROM debian:bookworm-slim\nRUN groupadd -f -r one\nRUN useradd -r -g one one\nRUN useradd two\nCOPY --chown=one a /a.txt\nCOPY --chown=two:two a /b.txt\nUSER two\n",
			files:      map[string]string{"a": "a"},
			has:        []string{"user: {name: two, uid: 1000", "accounts:\n  - {name: one, uid: 999, gid: 999", "owner: one", "target: /b.txt"},
			lacks:      []string{"\nuseradd", "\ngroupadd", "install -D"},
		},
		{
			name:       "busybox's adduser gives other numbers, and a group of its own",
			dockerfile: "FROM alpine:3.20\nRUN addgroup -S svc && adduser -SDH -G svc -h /srv svc\nRUN adduser -S web\nRUN adduser -D app\nCOPY --chown=svc:svc a /a.txt\nCOPY --chown=web a /b.txt\nCOPY --chown=app:app a /c.txt\n",
			files:      map[string]string{"a": "a"},
			has:        []string{"{name: svc, uid: 100, gid: 101, home: /srv}", "{name: web, uid: 101, gid: 65533, home: /home/web}", "{name: app, uid: 1000, gid: 1000, home: /home/app}"},
			lacks:      []string{"install -D", "\nadduser"},
		},
		{
			name:       "the server's packages of Red Hat and Alpine have numbers of their own",
			dockerfile: "FROM rockylinux:9\nRUN dnf install -y postgresql16-server\nCOPY --chown=postgres:postgres a /a.txt\n",
			files:      map[string]string{"a": "a"},
			has:        []string{"owner: 26:26"},
			lacks:      []string{"user:", "install -D"},
		},
		{
			name:       "programs of busybox get options that they have",
			dockerfile: "FROM alpine:3.20\nRUN adduser -D app\nCOPY d /srv/d\nRUN assemble\nUSER app\nRUN touch /tmp/x\nUSER 1000\nRUN touch /tmp/y\n",
			files:      map[string]string{"d/a": "a", "d/b": "b"},
			has:        []string{"find /context/d -mindepth 1 -maxdepth 1 -exec cp -a {} /srv/d/ \\;", "grep '^app:' /etc/passwd", "exec su -p -s /bin/sh -c 'set -e\ntouch /tmp/x'", "grep '^[^:]*:[^:]*:1000:' /etc/passwd"},
			lacks:      []string{"setpriv", "--no-preserve"},
		},
		{
			name:       "in a stage, a COPY gives owner and mode to what it copies, and to nothing else; paths stay made of args",
			dockerfile: "FROM debian:12 AS b\nARG V=1\nCOPY --chown=5:6 --chmod=640 d /opt/$V\nCOPY --chmod=755 t /usr/bin/\nRUN make -C /opt/$V\nFROM debian:12\nCOPY --from=b /opt/out /opt/out\n",
			files:      map[string]string{"d/a": "a", "t": "t"},
			has: []string{
				"[ -d \"/opt/${V}\" ] || { mkdir \"/opt/${V}\" && chown -h 5:6 \"/opt/${V}\"; }\nfind",
				"find . -mindepth 1 -exec chown -h 5:6 \"/opt/${V}\"/{} \\;", "find . -mindepth 1 ! -type l -exec chmod 640 \"/opt/${V}\"/{} \\;", "chmod 755 /usr/bin/t",
			},
			lacks: []string{"chmod -R", "chown -R"},
		},
		{
			name:       "in a stage, files of a COPY with --exclude or --parents are its inputs",
			dockerfile: "# syntax=docker/dockerfile:1-labs\nFROM debian:12 AS b\nCOPY --exclude=*.md d /d\nCOPY --parents e/f /\nRUN make -C /d\nFROM debian:12\nCOPY --from=b /d/out /out\n",
			files:      map[string]string{"d/a": "a", "d/b.md": "b", "e/f": "f"},
			has:        []string{"inputs: [d/a, e/f]", "cp -a /context/d/a /d/a", "cp -a /context/e/f /e/f"},
			lacks:      []string{"lost:", "b.md"},
		},
		{
			name:       "a stage has its own packages, and none of the image's",
			dockerfile: "FROM debian:12 AS b\nRUN apt-get update && apt-get install -y --no-install-recommends gcc\nRUN gcc -o /x\nFROM debian:12 AS c\nRUN echo >/y\nFROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends jq\nCOPY --from=b /x /x\nCOPY --from=c /y /y\n",
			has:        []string{"base: debian:12\n      outputs: [/x]\n      build: [gcc]\n", "base: debian:12, outputs: [/y]", "dependencies:\n    runtime: [jq]"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "a stage gives nothing to an account that only the image has",
			dockerfile: "FROM debian:12 AS b\nCOPY s.sh /\nRUN make /x\nFROM debian:12\nCOPY s.sh /s.sh\nRUN /s.sh\nCOPY --from=b --chown=app /x /x\n",
			files:      map[string]string{"s.sh": "#!/bin/sh\nuseradd -r app\n"},
			has:        []string{"{path: setup/generated/b.sh, outputs: [/x], inputs: [s.sh]}", "{path: setup/generated/run.sh, needs: [b]}", "make /x\n)\n--", "set -e\nchown -R app: /x"},
		},
		{
			name:       "an account that a script makes without asking is left to it",
			dockerfile: "FROM debian:bookworm-slim\nCOPY s.sh /s.sh\nRUN /s.sh\nCOPY --chown=app a /a.txt\nUSER app\n",
			files:      map[string]string{"s.sh": "#!/bin/sh\nuseradd -r app\n", "a": "a"},
			has:        []string{"install -D -m 0644 -o app"},
			lacks:      []string{"user: {name"},
		},
		{
			name:       "a stage that only flattens another is dropped",
			dockerfile: "FROM debian:bookworm-slim AS all\nENV LANG=C.UTF-8\nRUN echo $LANG >/lang\nEXPOSE 1\nFROM scratch\nCOPY --from=all / /\nENV PGDATA=/data\nEXPOSE 5432\nCMD [\"postgres\"]\n",
			has:        []string{"base: debian:bookworm-slim", "LANG: C.UTF-8", "expose: [5432]", "PGDATA: /data", "it makes one layer of all", "cmd: [postgres]"},
			lacks:      []string{"lost:", "expose: [1"},
		},
		{
			name:       "files of another image and downloads are sources",
			dockerfile: "FROM debian:bookworm-slim\nARG V=2\nCOPY --from=ghcr.example/x/uv:0.5 /uv /uvx /bin/\nCOPY --from=other.example/i@sha256:0000000000000000000000000000000000000000000000000000000000000000 --chown=5:6 /d /srv/d\nADD https://e.org/tool-$V.tar.gz /opt/\nADD --checksum=sha256:1111111111111111111111111111111111111111111111111111111111111111 --chmod=755 https://e.org/bin /usr/bin/tool\nADD https://e.org/x.git#v1 /src\n",
			has: []string{
				"uv: {image: ghcr.example/x/uv:0.5}", "sources: [uv]", "/context/sources/uv/uvx", "chown -R 5:6 /srv/d", "url: \"https://e.org/tool-${V}.tar.gz\"", "\"/opt/tool-${V}.tar.gz\"",
				"sha256:1111", "install -D -m 755 /context/sources/bin/* /usr/bin/tool", "https://e.org/x.git", "ref: v1", "cp -a /context/sources/x/. /src/",
			},
			lacks: []string{"lost:"},
		},
		{
			name:       "stages that give files of one place become one script",
			dockerfile: "FROM debian AS a\nRUN make -C /a && cp /a/x.deb /tmp/\nFROM debian AS b\nRUN make -C /b && cp /b/y.deb /tmp/\nFROM debian\nCOPY --from=a /tmp/*.deb /tmp/\nCOPY --from=b /tmp/*.deb /tmp/\nRUN dpkg -i /tmp/*.deb\n",
			has:        []string{"outputs: [/tmp/*.deb]", "# From Dockerfile:1-2, 3-4.", "The stages a, b, since"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "a file among programs is no folder, and a file below an output is a part of it",
			dockerfile: "FROM debian AS a\nRUN mv /tmp/x-* /tmp/tool\nFROM debian AS b\nRUN make -C /b install\nFROM debian\nCOPY --from=a /tmp/tool /usr/local/bin\nCOPY --from=b /opt/b/ /opt/b/\nCOPY --from=b /opt/b/bin/b /opt/b/bin/b\n",
			has:        []string{"outputs: [/usr/local/bin/tool]", "outputs: [/opt/b]"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "a stage that is an image as it is, is a source",
			dockerfile: "ARG V=2\nFROM example.org/tool:$V AS tool\nFROM debian\nCOPY --from=tool --chown=200 /bin/tool /usr/local/bin/tool\n",
			has:        []string{"chown -R 200:200 /usr/local/bin/tool", "tool: {image: \"example.org/tool:${V}\"}", "setup.sources: the image of the stage tool"},
			lacks:      []string{"lost:", "outputs:"},
		},
		{
			name:       "stages have bases of their own, files of images and downloads, and owners that only the image knows",
			dockerfile: "FROM golang:1.25 AS go\nADD https://e.org/x.tar.gz /src/\nCOPY --from=e.org/tool:1 /bin/t /bin/t\nRUN go build -o /out/tool\nFROM rust:1 AS rust\nRUN cargo install --root /opt/r r\nFROM debian\nRUN apt-get update && apt-get install -y app\nCOPY --from=go --chown=app:app /out/tool /usr/local/bin/tool\nCOPY --from=rust --chown=7:8 /opt/r/bin/r* /usr/bin/\n",
			has: []string{
				"base: golang:1.25", "base: rust:1", "{from: /opt/r/bin/r*, to: /usr/bin/, owner: 7:8}", "sources: [tool, x]", "network: default", "install -D -m 0600 /context/sources/x/* /src/x.tar.gz",
				"chown -R app:app /usr/local/bin/tool",
			},
			lacks: []string{"lost:"},
		},
		{
			name:       "a stage that only collects files is those stages",
			dockerfile: "FROM debian AS a\nRUN make -C /a && cp /a/x.deb /tmp/\nFROM debian AS b\nRUN make -C /b && cp /b/y /opt/y\nFROM scratch AS all\nCOPY --from=a /tmp/x.deb /tmp/x.deb\nCOPY --from=b /opt/y /opt/y\nCOPY --from=e.org/z:1 /z /opt/z\nFROM debian\nCOPY --from=all / /\n",
			has:        []string{"outputs: [/tmp/x.deb]", "outputs: [/opt/y]", "/context/sources/z"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "what a stage adds and the context lacks is lost, and no download",
			dockerfile: "FROM debian AS a\nARG J=x.jar\nADD $J /a/\nRUN make -C /a\nFROM debian\nCOPY --from=a /a/x /opt/x\n",
			has:        []string{"lost: which files it copies is not known"},
			lacks:      []string{"sources:"},
		},
		{
			name:       "the place of what a stage gives begins with an arg",
			dockerfile: "ARG D=/opt/x\nFROM debian AS a\nRUN make -C /a\nFROM debian\nARG D\nCOPY --from=a --chown=7:8 /a/x $D/y/z\n",
			has:        []string{"${D}/y/z"},
		},
		{
			name:       "what the base has is taken away, and PATH is extended among others",
			dockerfile: "FROM example.org/x\nENV A=/a PATH=$PATH:/x B=b\nHEALTHCHECK NONE\nENTRYPOINT []\nCMD [\"x\"]\n",
			has:        []string{"PATH: ${PATH}:/x", "entrypoint: []", "healthcheck: {command: []}", "cmd: [x]"},
			lacks:      []string{"lost:"},
		},
		{
			name:       "an ENV whose variables would see another PATH cannot be written",
			dockerfile: "FROM example.org/x\nENV PATH=$PATH:/x B=$PATH\n",
			has:        []string{"the value of PATH cannot be written"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			context := fstest.MapFS{"Dockerfile": {Data: []byte(c.dockerfile), Mode: 0o644}}
			for name, text := range c.files {
				context[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
				if strings.HasPrefix(text, "#!") {
					context[name].Mode = 0o755
				}
			}
			all := everything(t, migrated(t, context))
			for _, text := range c.has {
				assert.Contains(t, all, text)
			}
			for _, text := range c.lacks {
				assert.NotContains(t, all, text)
			}
			if t.Failed() {
				t.Log(all)
			}
		})
	}
}

// everything is all that a migration writes, with its report.
func everything(t *testing.T, r *Result) string {
	t.Helper()
	out := &txtar.Archive{Files: []txtar.File{{Name: "pgstrata.yaml", Data: r.BuildFile}}}
	for _, f := range r.Files {
		out.Files = append(out.Files, txtar.File{Name: f.Path, Data: f.Data})
	}
	var report strings.Builder
	require.NoError(t, r.Report.WriteText(&report))
	out.Files = append(out.Files, txtar.File{Name: "report", Data: []byte(report.String())})
	return string(txtar.Format(out))
}

// What migrate writes by itself has no findings of the rules about undeclared
// files and variables.
func TestGeneratedScriptsAreDeclared(t *testing.T) {
	context := fstest.MapFS{
		"Dockerfile":  {Data: []byte("FROM example.org/pg:16\nCOPY bd /bd\nRUN /bd/s/one.sh\nRUN apt-get install -y postgresql-$PG_MAJOR-cron\n")},
		"bd/s/one.sh": {Data: []byte("#!/bin/sh\nset -e\ncp /bd/bin/prog /usr/local/bin/prog\n"), Mode: 0o755},
		"bd/bin/prog": {Data: []byte("x")},
	}
	r := migrated(t, context)
	assert.Contains(t, string(r.BuildFile), "old-paths.sh")
	g := resolved(t, context, r, nil)
	f, err := spec.Load("pgstrata.yaml", r.BuildFile, spec.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Discover(r.Context))
	for _, finding := range rules.Run(check.Input{File: f, Text: r.BuildFile, Graph: g, Context: r.Context}) {
		assert.NotContains(t, []string{"SetupUndeclaredInput", "ArgUndeclared"}, finding.Rule, finding.Message)
	}
}

// A stage's packages are left behind, as they are meant to be: no finding says that
// they are not in the image, and the script says so where they are installed.
func TestPackagesOfAStageAreLeftBehind(t *testing.T) {
	context := fstest.MapFS{
		"Dockerfile": {Data: []byte("FROM debian:12 AS b\nRUN apt-get update && apt-get install -y libfoo; apt-get install -dy bar\nRUN if true; then apt-get install -y libbar; fi\nRUN cat <<EOF | sh\napt-get install -y libbaz\nEOF\nRUN make /x\nFROM debian:12\nCOPY --from=b /x /usr/bin/x\n")},
	}
	r := migrated(t, context)
	g := resolved(t, context, r, nil)
	f, err := spec.Load("pgstrata.yaml", r.BuildFile, spec.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Discover(r.Context))
	for _, finding := range rules.Run(check.Input{File: f, Text: r.BuildFile, Graph: g, Context: r.Context}) {
		assert.NotContains(t, []string{"PackagesInIsolatedScript", "UnusedAllowance"}, finding.Rule, finding.Message)
	}
	text := string(r.Files[0].Data)
	assert.Contains(t, text, "\n# pgstrata: allow=PackagesInIsolatedScript the stage leaves them behind, too\napt-get update && apt-get install -y libfoo\n")
	assert.NotContains(t, text, "too\napt-get install -dy bar")
}

// A mistake of migrate is an error, and nothing is written.
func TestRefusedIsAnError(t *testing.T) {
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM debian\nRUN true\n"))
	require.NoError(t, err)
	opt := options(fstest.MapFS{}, nil)
	opt.Syntax = "x\nbase: [" // a first line that breaks the file
	_, err = Migrate(f, opt)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	assert.ErrorContains(t, err, "a bug of migrate")

	f, err = dockerfile.Parse("Dockerfile", []byte("FROM debian\nRUN if\n"))
	require.NoError(t, err)
	_, err = Migrate(f, options(fstest.MapFS{}, nil))
	require.ErrorContains(t, err, "the commands of a RUN, of which it would make setup/generated/01-run.sh, are none that a shell can read: ")
	assert.NotErrorAs(t, err, &refused, "the Dockerfile's own mistake")
}

// A COPY of an empty directory makes it, where steps look for it.
func TestEmptyDirectory(t *testing.T) {
	all := everything(t, migrated(t, fstest.MapFS{
		"Dockerfile": {Data: []byte("FROM debian\nCOPY e /opt/e\nCOPY --exclude=x d /d\nRUN ls -A /opt/e\n"), Mode: 0o644},
		"e":          {Mode: 0o755 | fs.ModeDir},
		"d/a":        {Data: []byte("a"), Mode: 0o644},
		"d/none":     {Mode: 0o755 | fs.ModeDir},
	}))
	assert.Contains(t, all, "mkdir -p /opt/e")
	assert.NotContains(t, all, "empty folders")
	assert.Contains(t, all, "COPY --exclude=x d /d", "it would lack a directory")
}
