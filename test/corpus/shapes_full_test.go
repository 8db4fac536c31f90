//go:build full

package corpus

import (
	"fmt"
	"strings"
)

// The shapes that public Dockerfiles have. Each is a handful of instructions,
// with others between them now and then.

func (s *stager) node() {
	s.place("/app", "/usr/src/app", "/srv/www")
	s.between("WORKDIR PLACE", s.one("COPY app/package*.json ./", "COPY app/package.json app/package-lock.json ./", "COPY app/package.json ./"),
		s.one("RUN npm ci", "RUN npm install --production && npm cache clean --force", "RUN yarn install --frozen-lockfile"),
		s.one("COPY app .", "COPY app ./", "COPY . .", "COPY app/src ./src"),
		s.one("RUN npm run build", "RUN node scripts/build.js && rm -rf src", "RUN npm test"))
}

func (s *stager) python() {
	where := s.one("./", "/tmp/", "/srv/www/", "/opt/app/")
	s.place("/app", "/code", "/opt")
	s.between("WORKDIR PLACE", "COPY requirements.txt base.txt "+where)
	if where == "./" {
		where = ""
	}
	s.between(s.one("RUN pip install --no-cache-dir -r ", "RUN pip install -r ", "RUN python3 -m pip install -r ")+where+"requirements.txt"+s.one("", "", " && rm -rf /tmp/*"),
		s.one("COPY app PLACE", "COPY . PLACE", "COPY app ."), s.one("RUN python3 -m compileall .", "RUN python3 setup.py install", "RUN python3 manage.py collectstatic"))
}

func (s *stager) golang() {
	s.place("/usr/src/app", "/app")
	s.between("WORKDIR PLACE", "COPY app/go.mod app/go.sum* ./", "RUN go mod download", "COPY app ./", "ARG VERSION="+s.one("dev", "1"),
		s.one(`RUN CGO_ENABLED=0 go build -ldflags "-X main.version=$VERSION" -o /usr/local/bin/app ./src`, "RUN go generate ./... && go build", "RUN go build -o /usr/local/bin ./..."))
}

func (s *stager) compiled() {
	s.place("/usr/src/app", "/tmp/build", "/opt/app")
	s.between("COPY app PLACE", "RUN cd PLACE && "+s.one("make -j2 && make install", "cmake . && make", "./run.sh --prefix=/usr/local && make && make install", "cargo build --release", "mvn -q package")+
		s.one("", " && cd / && rm -rf PLACE"))
}

func (s *stager) assembled() {
	s.place("/workspace", "/opt/app", "/data")
	s.between("COPY "+s.one("app", "app/src", ".")+" PLACE", "RUN "+s.one("assemble", "seal", "tidy", "assemble && tidy", "frobnicate --all"))
}

func (s *stager) entrypoint() {
	s.between(s.one("COPY entrypoint.sh /usr/local/bin/", "COPY entrypoint.sh /usr/local/bin/entrypoint.sh", "COPY entrypoint.sh /entrypoint.sh", "COPY --chmod=0644 entrypoint.sh /usr/local/bin/"),
		"RUN chmod "+s.one("+x", "755", "0700", "u+rwx,go-w", "a+x,g+s")+s.one(" /usr/local/bin/entrypoint.sh || true", " /entrypoint.sh /usr/local/bin/* 2>/dev/null || true", " /*.sh || true"),
		s.one("RUN ln -s /usr/local/bin/entrypoint.sh /entry", "RUN sed -i 's/exec/exec -c/' /*.sh || true", "RUN PROGRAM"), `ENTRYPOINT ["/usr/local/bin/entrypoint.sh"]`)
}

func (s *stager) user() {
	s.place("/home/app", "/srv/www", "/app")
	s.between("WORKDIR PLACE", s.one("COPY --chown=app:app app .", "COPY app .", "COPY --chown=1500 app/src src"), s.one("RUN chown -R app:app PLACE", "RUN chown app PLACE", "RUN chmod 2775 PLACE"),
		"USER "+s.one("app", "1500", "app:app"), s.one("RUN npm install", "RUN PROGRAM", "RUN mkdir -p ~/x && PROGRAM", "RUN id -u >~/me; PROGRAM"), "USER root")
}

func (s *stager) download() {
	s.between("ARG OWN_VERSION=1", s.one("RUN curl -fsSL https://example.org/app-$OWN_VERSION.tar.gz -o /tmp/app.tar.gz", `RUN curl -LO "https://example.org/v${OWN_VERSION}/app" && echo $OWN_VERSION >/version`),
		"COPY app/conf /etc/app", s.one("RUN PROGRAM", "RUN curl --config /etc/app/app.conf x", "RUN set -eux; curl -o /opt/x https://example.org; rm -f /etc/app/other.conf"))
}

func (s *stager) clone() {
	s.between("ARG LOOSE_BUST=1", s.one("RUN git clone --depth 1 https://example.org/app.git /opt/clone", "RUN git -C /opt pull && make -C /opt"), "COPY app/conf /opt/clone/conf", "RUN cd /opt && PROGRAM")
}

func (s *stager) tools() {
	s.between(s.one("COPY bin /usr/local/bin/", "COPY bin/helper bin/lister /usr/local/bin/", "COPY bin /opt/bin\nENV PATH=/opt/bin:$PATH", "COPY --link bin /usr/local/bin/"),
		s.one("COPY app /app", "COPY app/conf /data", "COPY . /srv"), s.one("RUN helper 1 && lister", "RUN lister", "RUN sh -c 'helper 2; lister'", "RUN find /app /srv /data -name '*.conf' 2>/dev/null | xargs helper"))
}

func (s *stager) mounts() {
	s.between("WORKDIR /usr/src", "COPY app/conf /data",
		s.one("RUN --mount=type=bind,source=app,target=/mnt make -C /mnt all", "RUN --mount=source=app,target=/usr/src/app,rw cd app && make", "RUN --mount=type=cache,target=/root/.cache,sharing=locked pip install x && make",
			"RUN --mount=type=tmpfs,target=/tmp tidy && make", "RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt pip install -r /tmp/requirements.txt",
			"RUN --mount=type=bind,target=. make", "RUN --network=none make"), "RUN PROGRAM")
}

func (s *stager) modes() {
	s.place("/app", "/opt/app", "/srv/www", "/home/app/www", "/usr/local/app")
	s.between(s.one("COPY app PLACE", "COPY --chown=33:44 app PLACE", "COPY --chmod=0640 app/conf PLACE", "COPY app/run.sh app/plain.sh PLACE/", "RUN mkdir -p PLACE && chmod 700 PLACE\nCOPY app PLACE", "COPY app/conf PLACE\nCOPY app/src PLACE"))
	for range 1 + s.IntN(3) {
		s.between(s.one(
			"RUN chmod -R go-w PLACE", "RUN chown -R 33:33 PLACE", "RUN chown -R app: PLACE", "RUN chmod +x PLACE/*.sh || true", "RUN chmod 0600 PLACE/* || true", "RUN find PLACE -type d -exec chmod 711 {} +",
			"RUN find PLACE -type f -exec chmod 640 {} \\;", "RUN chmod -R u=rwX,go=rX PLACE && chown 7 PLACE", "RUN chmod g+s PLACE", "RUN chown 5:6 PLACE && chmod 4755 PLACE/*.sh || true", "RUN cd PLACE && chmod 700 . && chown -R 33 .",
			"RUN chgrp -R 0 PLACE && chmod -R g=u PLACE"))
	}
	s.between(s.one("RUN PROGRAM", "RUN stat -c '%n %a %u:%g' PLACE/* >/stats", "RUN ls -lnR PLACE | awk '{print $1, $3, $4, $9}' >/stats", "USER app\nRUN cat PLACE/* >/tmp/cat 2>&1 || true\nUSER root"))
}

// driver is a RUN of a script that runs others.
func (s *stager) driver() {
	dir := s.one("/setup", "/opt/setup", "/tmp/setup", "/usr/src/setup")
	tree := fmt.Sprintf("setup%d", s.n)
	file := func(name string, lines ...string) {
		for _, line := range lines {
			s.files = append(s.files, atom{tree + "/" + name, s.fill(line)})
		}
	}
	s.places = append(s.places, dir)
	var names []string
	for i := range 2 + s.IntN(3) {
		name := fmt.Sprintf("%d-%s.sh", i+1, s.one("base", "build", "conf"))
		names = append(names, name)
		file("scripts/"+name, "#!/bin/"+s.one("sh", "bash"), "set -e")
		for range 1 + s.IntN(3) {
			file("scripts/"+name, s.one(append(commonly(), `. "`+dir+`/lib.sh"`, "cat "+dir+"/data/a.txt >>/order", `echo "$ANY" >>/order`, "frobnicate "+dir+"/data")...))
		}
	}
	file("lib.sh", "note() { echo \"$*\" >>/order; }")
	file("data/a.txt", "a")
	run := map[string][]string{
		"list": {"cd " + dir + "/scripts"}, "loop": {"for f in " + dir + "/scripts/*.sh; do " + s.one("", "sh ", "bash ") + `"$f"; done`}, "function": {`run() { echo "== $1"; "` + dir + `/scripts/$1"; }`},
	}
	way := s.one("list", "loop", "function")
	for _, name := range names {
		switch way {
		case "list":
			run[way] = append(run[way], "./"+name)
		case "function":
			run[way] = append(run[way], "run "+name)
		}
	}
	file("setup.sh", "#!/bin/bash", s.one("set -e", "set -euo pipefail"))
	if s.chance(30) {
		file("setup.sh", s.one("export OWN_NAME=driver", "export VERSION=${VERSION:-3}", "export LOOSE_DRIVER=d", "umask 027", "mkdir -p /opt/driver", "make driver"))
	}
	file("setup.sh", run[way]...)
	s.between("COPY "+s.one("", "", "--chown=33 ")+tree+" "+dir, s.one("RUN ", "RUN ", "RUN --mount=type=cache,target=/var/cache/app ", "RUN --mount=type=tmpfs,target=/var/tmp ")+dir+"/setup.sh"+s.one("", "", " && rm -rf "+dir, " && PROGRAM"))
}

// loop is a RUN that runs scripts itself.
func (s *stager) loop() {
	s.between("COPY scripts /setup/scripts", s.one("RUN for f in /setup/scripts/*.sh; do sh -e $f; done", "RUN set -e; cd /setup/scripts; ./1.sh; ./2.sh", "RUN /setup/scripts/1.sh && /setup/scripts/2.sh && PROGRAM",
		"RUN find /setup/scripts -name '*.sh' | sort | xargs -n 1 sh -e", "RUN run-parts /setup/scripts || true"))
}

// mixed is instructions in no order.
func (s *stager) mixed() {
	s.copy(s.one("app", ".", "app/conf"), "")
	for range 3 + s.IntN(4) {
		s.anything()
	}
}

// place makes one of a list the only place so far.
func (s *stager) place(list ...string) { s.places = []string{s.one(list...)} }

// commonly are commands of a RUN or a script.
func commonly() []string {
	return strings.Split(strings.TrimSpace(`
PROGRAM
PROGRAM
PROGRAM
PROGRAM --prefix=PLACE
make -C PLACE NUMBER
cd PLACE && PROGRAM && cd /
(cd PLACE && PROGRAM)
sh -c 'cd PLACE; PROGRAM'
env LOOSE_GIVEN=g PROGRAM
VERSION=inline PROGRAM
export LOOSE_EXPORTED=x
pip install psycopg
npm install -g pm2
curl -fsSL https://example.org/NUMBER -o /opt/NUMBER
git clone https://example.org/x.git /opt/x
assemble
tidy
seal
python3 PLACE/setup.py
find PLACE -type f | sort | xargs frobnicate
find PLACE -name '*.tmp' -delete
find . -name '*.conf' | head -n 3 >>/found
ls -A PLACE >>/listed
ls -ld PLACE | cut -c1-10 >>/listed
cp -r PLACE /opt/copied.NUMBER
cp -a PLACE/. /opt/merged.NUMBER/
mkdir -p /opt/made.NUMBER PLACE/made
rm -rf PLACE/src
rm -f PLACE/*.tmp /tmp/*
mv PLACE /opt/moved.NUMBER && mkdir -p PLACE
ln -sfn PLACE /opt/link
chmod -R o-w PLACE
chmod 750 PLACE
chown -R 33:44 PLACE
chown app PLACE
touch PLACE/touched.NUMBER
echo more >>PLACE/grown
cat PLACE/*.conf >>/catted 2>/dev/null || true
grep -r key PLACE 2>/dev/null | sort >>/grepped
tar -C PLACE -cf - . | tar -tf - | sort >>/listed
tar -cf /tmp/x.tar -C / opt && tar -tf /tmp/x.tar | sort >>/listed && rm /tmp/x.tar
stat -c '%n %a %u:%g' PLACE >>/stats
stat PLACE >/dev/null && echo there >>/stats
test -d PLACE/src && echo sources >>/stats || true
[ -e PLACE/package.json ] && echo package >>/stats || true
for f in PLACE/*; do echo $f >>/listed; done
echo PLACE/* >>/listed
du -a PLACE | cut -f2 | sort >>/listed
realpath PLACE >>/stats
mktemp -d PLACE/fixed.NUMBER || true
id -un >>/stats
pwd >>/stats
echo NUMBER >>/order
echo "$ANY" >>/order
echo "${VERSION-}" >>/order
umask 027 && touch /opt/masked.NUMBER && umask 022
eval "echo \$ANY" >>/order
d=PLACE; ls "$d" | sort >>/listed
cat PLACE/conf/app.conf >/catted.NUMBER 2>/dev/null || true
sort -o /order /order 2>/dev/null || true
awk '{print > "/opt/awk.NUMBER"}' /etc/passwd
sed -i 's/key/KEY/' PLACE/conf/*.conf 2>/dev/null || true
install -d -m 0750 -o 33 /opt/installed.NUMBER
install -m 0640 /etc/passwd PLACE/passwd
`), "\n")
}
