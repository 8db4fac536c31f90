package rules

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/check"
)

// Kinds of Dockerfiles as others write them, in pairs: where a rule has
// something to say, and where what looks the same is right.
func TestJudgement(t *testing.T) {
	const compiled = "FROM debian:bookworm\nRUN apt-get update && apt-get install -y gcc libpng-dev"
	for rule, pair := range map[string]struct{ found, none []map[string]string }{
		"SourcedFileMissing": {
			found: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY ep /srv/ep\nRUN chown -R nobody /srv && chmod -R 0755 /srv/ep\nENTRYPOINT [\"/srv/ep/start.sh\"]\n", "ep/start.sh": "#!/bin/sh\n. /srv/ep/gone.sh\n"},
			},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY ep /srv/ep\nRUN make -C /srv/ep\nENTRYPOINT [\"/srv/ep/start.sh\"]\n", "ep/start.sh": "#!/bin/sh\n. /srv/ep/gone.sh\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN useradd -m app\nCOPY ep /home/app\nENTRYPOINT [\"/home/app/start.sh\"]\n", "ep/start.sh": "#!/bin/sh\n. /home/app/.profile\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY ep /usr/local/bin\nENTRYPOINT [\"/usr/local/bin/start.sh\"]\n", "ep/start.sh": "#!/bin/sh\n. /usr/local/bin/functions\n"},
			},
		},
		"CacheWiped": {
			found: []map[string]string{{"Dockerfile": "FROM rockylinux:9\nRUN --mount=type=cache,target=/var/cache/dnf dnf install -y jq && dnf clean all\n"}, {"Dockerfile": "FROM debian:bookworm\nRUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y jq && apt-get clean\n"}},
			none:  []map[string]string{{"Dockerfile": "FROM rockylinux:9\nRUN dnf install -y jq && dnf clean all\n"}, {"Dockerfile": "FROM debian:12\nRUN --mount=type=cache,target=/var/cache/apt apt-get install -y jq && apt-get autoclean\n"}, {"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y jq && apt-get clean && rm -rf /var/cache/apt\n"}},
		},
		"BashInSh": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN [[ -e /x ]] || touch /x\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM alpine:3.20\nRUN [[ -e /x ]] || touch /x\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN [[ -e /x ]] || touch /x\n"},
				{"Dockerfile": "FROM redhat/ubi9-minimal\nRUN [[ -e /x ]] || touch /x\n"},
				{"Dockerfile": "FROM debian:bookworm\nSHELL [\"/bin/bash\", \"-c\"]\nRUN [[ -e /x ]] || touch /x\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN bash /s.sh\n", "s.sh": "#!/bin/sh\n[[ -e /x ]]\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nENTRYPOINT [\"/bin/bash\", \"/s.sh\"]\n", "s.sh": "#!/bin/sh\n[[ -e /x ]]\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s /s\nRUN bash /s/a.sh\n", "s/a.sh": "#!/bin/bash\n. /s/b.sh\n", "s/b.sh": "#!/bin/sh\n[[ -e /x ]]\n"},
			},
		},
		"TrustAuthentication": {
			found: []map[string]string{
				{"Dockerfile": "FROM postgres:16-bookworm\nCOPY pg_hba.conf /etc/pg_hba.conf\n", "pg_hba.conf": "host all all 0.0.0.0/0 trust\n"},
				{"Dockerfile": "FROM postgres:16-bookworm\nCOPY pg_hba.conf /etc/pg_hba.conf\n", "pg_hba.conf": "host all all 127.0.0.1/0 trust\n"},
				{"Dockerfile": "FROM postgres:16-bookworm\nCOPY pg_hba.conf /etc/pg_hba.conf\n", "pg_hba.conf": "host all all 10.0.0.0 255.0.0.0 trust\n"},
			},
			none: []map[string]string{{"Dockerfile": "FROM postgres:16-bookworm\nCOPY pg_hba.conf /etc/pg_hba.conf\n", "pg_hba.conf": "local all all trust\nhost all all 127.0.0.1/32 trust\nhost all all ::1/128 trust\nhost all all 127.0.0.0 255.0.0.0 trust\nhost all \"all\" \"127.0.0.1/32\" trust\n"}},
		},
		"VolatileBeforeStable": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nCOPY . /src\nRUN apt-get update && apt-get install -y tzdata\nRUN make -C /src\n", "a.c": "\n"}},
			none:  []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y make\nCOPY . /src\nRUN make -C /src\n", "a.c": "\n"}},
		},
		"ConfigWorldReadableSecret": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nCOPY app.conf /etc/app.conf\n", "app.conf": "password = hunter2\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY . /src\n", ".github/workflows/ci.yml": "permissions:\n  id-token: write\n  app-secret: abc12345\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY app.py /app.py\n", "app.py": "password = prompt\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY app.conf /etc/app.conf\n", "app.conf": "password = ${PASSWORD}\ntoken = changeme\nadmin_password = strongPassword\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY --chmod=0640 app.conf /etc/app.conf\n", "app.conf": "password = hunter2\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY app.conf /etc/app.conf\nRUN chmod 600 /etc/app.conf\n", "app.conf": "password = hunter2\n"},
				{"Dockerfile": "FROM debian:bookworm\nWORKDIR /etc/app\nCOPY app.conf .\nRUN useradd x && chmod -R o-rwx .\n", "app.conf": "password = hunter2\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY . /app\n", ".drone.yml": "secret: abcd1234\n", "locale/de.yml": "password: Passwort\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY app.conf /etc/app.conf\n", "app.conf": "token = @TOKEN@\npassword = __PASSWORD__\npassword = please-change-me\nsecret = env:PASS\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY a.key /etc/a.key\n", "a.key": "\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY app.json /etc/app.json\n", "app.json": "{\n/*\n  \"pass\": \"bar_foo1\"\n*/\n  \"id_secret\": \"00000000-0000-0000-0000-000000000000\"\n}\n"},
			},
		},
		"EntrypointInstalls": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\napt-get install -y less\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\ngroupadd -g \"$GID\" db\nuseradd -u \"$ID\" -g db db\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY . /src\n", "ci/run.sh": "#!/bin/sh\napt-get install -y less\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nmake modules\nmake modules_install\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nmake --version\nlib=$(gcc -print-file-name=libc.so)\ngcc -dumpversion\n"},
			},
		},
		"RunsAsRoot": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y postgresql-15\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nexec postgres\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nexec nginx\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y postgresql-15\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nexec gosu postgres postgres\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y postgresql-15\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nexec setpriv --reuid=postgres postgres\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y postgresql-15\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\npg_ctlcluster 15 main start\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y postgresql-15\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\n/etc/init.d/postgresql start\n"},
				{"Dockerfile": "FROM postgres:16\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\nexec /usr/local/bin/docker-entrypoint.sh \"$@\"\n"},
			},
		},
		"SharedLibraryMissing": {
			found: []map[string]string{{"Dockerfile": compiled + " && make install && apt-get purge -y --auto-remove gcc libpng-dev\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y nginx gnupg && apt-get purge -y --auto-remove gnupg\n"},
				{"Dockerfile": "FROM postgres:16\nRUN apt-get update && apt-get install -y build-essential postgresql-server-dev-16 && make install && apt-get remove -y build-essential postgresql-server-dev-16 && apt-get autoremove -y\n"},
				{"Dockerfile": compiled + " libpng16-16 && make install && apt-get purge -y --auto-remove gcc libpng-dev\n"},
				{"Dockerfile": compiled + " && make install && apt-mark manual libpng16-16 && apt-get purge -y --auto-remove gcc libpng-dev\n"},
			},
		},
		"ArgUnused": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nARG NOBODY=1\nRUN echo x\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nARG MIX_ENV=prod\nRUN mix release\n"},
				{"Dockerfile": "FROM debian:bookworm AS tool\nCOPY t.sh /t.sh\nFROM debian:bookworm\nARG BITS=64\nRUN --mount=type=bind,from=tool,target=/tool /tool/t.sh\n", "t.sh": "#!/bin/sh\necho $BITS\n"},
			},
		},
		"LocaleWithoutLang": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y locales postgresql-15 && locale-gen de_DE.UTF-8\nCMD [\"postgres\"]\nENTRYPOINT [\"/e.sh\"]\nCOPY e.sh /e.sh\n", "e.sh": "#!/bin/sh\nexec postgres\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM postgres:16-alpine\nENV LANG=de_DE.utf8\n"},
				{"Dockerfile": "FROM debian:bookworm\nENV LANG=de_DE.UTF-8\nRUN apt-get update && apt-get install -y locales postgresql-15 && locale-gen de_DE.UTF-8\n"},
			},
		},
		"ArchSpecificDownload": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nARG TARGETARCH\nRUN curl -fO https://example.org/a-$TARGETARCH && curl -fO https://example.org/b-amd64\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fO https://example.org/b-amd64\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG TARGETARCH\nRUN a=amd64; [ \"$TARGETARCH\" = arm64 ] && a=arm64; curl -fO https://example.org/b-$a\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN arch=$(uname -m) && curl -fO https://example.org/b-$arch\n"},
				{"Dockerfile": "FROM --platform=linux/amd64 debian:bookworm\nARG TARGETARCH\nRUN curl -fO https://example.org/b-amd64\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG TARGETARCH\nRUN curl -fO https://example.org/b-amd64\n", "Dockerfile.arm64": "FROM debian:bookworm\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG TARGETARCH\nRUN wget -qO- https://example.org/linux-x86_64/list/ | grep xpi >/tmp/names\n"},
			},
		},
		"SetupReadsEntrypoint": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nRUN cat /e.sh >/y\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\necho\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nRUN sed -i s/a/b/ /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\necho\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nRUN ln -s /e.sh /entry\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\necho\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo /e.sh\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\necho\n"},
			},
		},
		"TLSVerificationDisabled": {
			found: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -kO https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fsSLk -o x https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update -o Acquire::AllowInsecureRepositories=true\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get install -y --allow-unauthenticated jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get -o \"Acquire::https::Verify-Peer=false\" update\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo 'Acquire::https::Verify-Peer \"false\";' >/etc/apt/apt.conf.d/99x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo \"deb [trusted=yes] https://example.org/apt stable main\" >/etc/apt/sources.list.d/x.list\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo deb [arch=amd64 trusted=yes] $URL ./ >>/etc/apt/sources.list\n"},
				{"Dockerfile": "FROM ubuntu:noble\nRUN add-apt-repository -y \"deb [trusted=yes] https://example.org/apt stable main\"\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN sed -i 's/^deb /deb [trusted=yes] /' /etc/apt/sources.list\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN git config --global http.sslVerify false\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN git -c http.sslVerify=false clone https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN git -c http.https://example.org/.sslVerify=0 clone https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN GIT_SSL_NO_VERIFY=1 git clone https://example.org/x\n"},
				{"Dockerfile": "FROM node:20\nRUN npm config set strict-ssl false\n"},
				{"Dockerfile": "FROM node:20\nRUN npm set strict-ssl=false\n"},
				{"Dockerfile": "FROM node:20\nRUN npm ci --no-strict-ssl\n"},
				{"Dockerfile": "FROM node:20\nRUN yarn config set \"strict-ssl\" false -g\n"},
				{"Dockerfile": "FROM python:3.12\nRUN pip install --trusted-host pypi.example.org x\n"},
				{"Dockerfile": "FROM python:3.12\nRUN python3 -m pip install --trusted-host=pypi.example.org x\n"},
				{"Dockerfile": "FROM python:3.12\nRUN pip config set global.trusted-host pypi.example.org\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN dnf install -y --nogpgcheck jq\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN dnf --setopt=sslverify=false install -y jq\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN yum install -y --setopt=x.gpgcheck=0 jq\n"},
				{"Dockerfile": "FROM centos:7\nRUN yum-config-manager --save --setopt=x.sslverify=0\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN rpm -i --nosignature https://example.org/x.rpm\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN printf '[x]\\nbaseurl=https://example.org/x\\ngpgcheck=0\\n' >/etc/yum.repos.d/x.repo\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN sed -i 's/gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/x.repo\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN echo sslverify=false >>/etc/yum.conf\n"},
				{"Dockerfile": "FROM alpine:3.20\nRUN apk add --allow-untrusted jq\n"},
				{"Dockerfile": "FROM alpine:3.20\nRUN wget https://example.org/x.apk && apk add --allow-untrusted x.apk\n"},
				{"Dockerfile": "FROM opensuse/leap:15\nRUN zypper --no-gpg-checks install -y jq\n"},
				{"Dockerfile": "FROM opensuse/leap:15\nRUN zypper ar -G https://example.org/x x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN wget --no-check-certificate https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN wget --check-certificate=off https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo insecure >>/root/.curlrc && curl -fO https://example.org/x\n"},
				{"Dockerfile": "FROM php:8\nRUN composer config -g disable-tls true\n"},
				{"Dockerfile": "FROM continuumio/miniconda3:24\nRUN conda config --set ssl_verify false\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN <<EOF\ncat >/etc/yum.repos.d/x.repo <<END\n[x]\nbaseurl=https://example.org/x\nsslverify = 0\nEND\nEOF\n"},
				{"Dockerfile": "FROM rockylinux:9\nCOPY x.repo /etc/yum.repos.d/\nRUN dnf install -y jq\n", "x.repo": "[x]\nbaseurl=https://example.org/x\ngpgcheck=0\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY <<EOF /etc/apt/sources.list.d/x.sources\nTypes: deb\nURIs: https://example.org/apt\nSuites: ./\nTrusted: yes\nEOF\nRUN apt-get update\n"},
				{"Dockerfile": "FROM python:3.12 AS b\nCOPY pip.conf /etc/pip.conf\nRUN pip install x\nFROM python:3.12\nCOPY --from=b /x /x\n", "pip.conf": "[global]\ntrusted-host = pypi.example.org\n"},
				{"Dockerfile": "FROM node:20 AS b\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\nRUN npm ci\nFROM node:20\nCOPY --from=b /x /x\n"},
				{"Dockerfile": "FROM node:20\nARG npm_config_strict_ssl=false\nRUN npm ci\n"},
			},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\ncurl -k https://localhost:8008/health\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\ncurl -k -s -o /dev/null -w \"%{http_code}\" https://peer:8008/health\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n", "e.sh": "#!/bin/sh\n[ \"$(curl --insecure -${2} -L http://${1}/challenge)\" = \"$X\" ]\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fsSLo k https://example.org/k\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -K /etc/curl.conf https://example.org/x -O\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN wget --check-certificate https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN wget --check-certificate=on https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update -o Acquire::Check-Valid-Until=false\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get install -y -o APT::Get::AllowUnauthenticated=false jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo \"deb [signed-by=/etc/apt/keyrings/x.asc] https://example.org/apt stable main\" >/etc/apt/sources.list.d/x.list\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo \"deb [trusted=yes] file:/opt/packages ./\" >/etc/apt/sources.list.d/x.list\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN git config --global http.sslVerify true\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN git -c http.sslVerify=true clone https://example.org/x\n"},
				{"Dockerfile": "FROM node:20\nRUN npm config set strict-ssl true\n"},
				{"Dockerfile": "FROM node:20\nRUN npm config set fund false\n"},
				{"Dockerfile": "FROM python:3.12\nRUN pip install --trusted-host localhost --index-url http://localhost:3141 x\n"},
				{"Dockerfile": "FROM python:3.12\nRUN pip config set global.index-url https://pypi.example.org\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN dnf install -y --setopt=install_weak_deps=False jq\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN dnf install -y --setopt=gpgcheck=1 jq\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN echo repo_gpgcheck=0 >>/etc/yum.repos.d/x.repo\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN sed -i 's/gpgcheck=0/gpgcheck=1/' /etc/yum.repos.d/x.repo\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN printf '[x]\\nbaseurl=file:///opt/rpms\\ngpgcheck=0\\n' >/etc/yum.repos.d/x.repo\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN echo \"# gpgcheck=0 would take anything\" >>/etc/yum.repos.d/x.repo\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN echo sslverify=false >/etc/app.conf\n"},
				{"Dockerfile": "FROM opensuse/leap:15\nRUN zypper --gpg-auto-import-keys install -y jq\n"},
				{"Dockerfile": "FROM rockylinux:9\nCOPY x.rpm /x.rpm\nRUN dnf install -y --nogpgcheck /x.rpm\n", "x.rpm": "\n"},
				{"Dockerfile": "FROM alpine:3.20\nCOPY x.apk /x.apk\nRUN apk add --allow-untrusted /x.apk\n", "x.apk": "\n"},
				{"Dockerfile": "FROM alpine:3.20\nRUN wget https://example.org/x.apk && echo \"0a1b  x.apk\" | sha256sum -c && apk add --allow-untrusted x.apk\n"},
				{"Dockerfile": "FROM alpine:3.20\nRUN apk add --no-cache jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY app.yml /etc/app.yml\nRUN apt-get update\n", "app.yml": "ssl_verify: false\ngpgcheck: 0\n"},
				{"Dockerfile": "FROM node:20\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\nRUN npm ci\n"},
			},
		},
		"CopiedTwice": {
			found: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY a /etc/a\nRUN chown -R 1:1 /etc/a && touch /b\n", "a": "x\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY a /etc/a\nCOPY a /etc/b\n", "a": "x\n"},
			},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN chown -R 1:1 /etc/a\nCOPY a /etc/a\n", "a": "x\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY a /tmp/a\nRUN chmod +x /tmp/a && /tmp/a && rm -f /tmp/a\n", "a": "x\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN install -d /opt/d\nRUN chown -R 1:1 /opt/d\n"},
				{"Dockerfile": "FROM debian:bookworm AS one\nRUN touch /opt/d/x\nFROM debian:bookworm\nRUN mkdir -p /opt/d && chown -R 1:1 /opt/d\n"},
			},
		},
		"SecretInScript": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN sh /s.sh\n", "s.sh": "DB_PASSWORD=hunter2\necho \"$DB_PASSWORD\" | tool\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN sh /s.sh\n", "s.sh": "PASS=0\nDB_PASSWORD=$1\nTOKEN=changeme\necho \"$DB_PASSWORD\" | tool\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN sh /s.sh\n", "s.sh": "wallet_password+=\"-A1\"\nPGPASSWORD=not-password psql -c \"select 1\" && exit 1\n"},
			},
		},
		"UnverifiedDownload": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN curl -fO https://example.org/x.tar.gz && tar xf x.tar.gz\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fO https://example.org/x.tar.gz && echo \"123  x.tar.gz\" | sha256sum -c\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fo /LICENSE https://example.org/main/LICENSE.txt\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fsI https://example.org && wget -q --spider https://example.org\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN v=$(curl -fs https://example.org/version) && echo $v\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fo x.tar https://example.org/x.tar && curl -fs https://example.org/x.tar.md5 | md5sum -c\n"},
			},
		},
		"SerialMake": {
			found: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN make\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY . /src\nWORKDIR /src\nRUN make build_release\n", "Makefile": "build_release:\n\tcc -o x *.c\n"},
			},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN make install && make --version\n"},
				{"Dockerfile": "FROM debian:bookworm AS b\nENV MAKEFLAGS=-j4\nFROM b\nRUN make\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -f https://go.dev/dl/go1.22.tar.gz | tar xz -C /usr/local\nRUN make build\n"},
				{"Dockerfile": "FROM golang:1.22\nRUN make\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN make suidinstall && make prerequisites\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y golang make\nRUN make\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY . /src\nWORKDIR /src\nRUN make build_release\n", "Makefile": "build_release:\n\tcmake . && make -j$(nproc)\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY . /src\nRUN make -C /src\n", "Makefile": "all:\n\tcargo build --release\n"},
			},
		},
		"ErrorsIgnored": {
			found: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y jq; rm -rf /var/lib/apt/lists/*\n"},
				{"Dockerfile": "FROM rockylinux:9\nRUN dnf install -y jq; \\\n    dnf clean all\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN /s.sh\n", "s.sh": "#!/bin/sh\napt-get update\napt-get install -y jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN /s.sh\n", "s.sh": "#!/bin/bash\nfailed() { echo failed; }\ntrap failed ERR\ncurl -fO https://example.org/x\ntar xf x\n"},
			},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get update && apt-get install -y jq && rm -rf /var/lib/apt/lists/*\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN set -eux; apt-get update; apt-get install -y jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN echo x; apt-get install -y jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN apt-get install -y jq || exit 1; rm -rf /x\n"},
				{"Dockerfile": "FROM debian:bookworm\nSHELL [\"/bin/bash\", \"-ec\"]\nRUN apt-get install -y jq; rm -rf /x\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN /s.sh\n", "s.sh": "#!/bin/sh -e\napt-get update\napt-get install -y jq\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN /s.sh\n", "s.sh": "#!/bin/sh\nuname -m\ndate\n"},
				{"Dockerfile": "FROM debian:bookworm\nCOPY s.sh /s.sh\nRUN /s.sh\n", "s.sh": "#!/bin/bash\nfailed() { exit 1; }\ntrap failed ERR\ncurl -fO https://example.org/x\ntar xf x\n"},
			},
		},
		"CurlPipeShell": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN curl -f https://example.org/x | bash\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -f https://example.org/x | bash /s.sh\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -f https://example.org/x | tar xz\n"},
			},
		},
		"BuildMetadataInArg": {
			found: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nARG GIT_COMMIT=unknown\nRUN echo $GIT_COMMIT >/rev\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG BUILD_DATE=2026-01-01\nRUN echo $BUILD_DATE >/date\n"},
			},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nARG commit=b54d75d3\nRUN curl -fO https://example.org/x-$commit.tar.gz\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG REF=/usr/share/app/ref\nRUN mkdir -p $REF\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG SOURCE_URL=https://example.org/x.tar.gz\nRUN curl -fO $SOURCE_URL\n"},
			},
		},
		"UnpinnedBase": {
			found: []map[string]string{{"Dockerfile": "FROM nginx\n"}, {"Dockerfile": "FROM rocker/rstudio:latest\n"}, {"Dockerfile": "FROM registry.example:5000/app\n"}},
			none:  []map[string]string{{"Dockerfile": "FROM redhat/ubi9-minimal\n"}, {"Dockerfile": "FROM ubi8/s2i-core\n"}, {"Dockerfile": "FROM registry.example.com/rhel8/postgresql-12\n"}, {"Dockerfile": "FROM debian:12\n"}},
		},
		"UnpinnedBranch": {
			found: []map[string]string{{"Dockerfile": "FROM debian:bookworm\nRUN git clone -b main https://example.org/x\n"}, {"Dockerfile": "FROM debian:bookworm\nRUN wget https://example.org/x/releases/latest/download/y\n"}},
			none: []map[string]string{
				{"Dockerfile": "FROM debian:bookworm\nRUN git clone -b v1 https://example.org/x\n"},
				{"Dockerfile": "FROM debian:bookworm\nARG V=1.2\nRUN if [ \"$V\" = latest ]; then wget https://example.org/x/releases/latest/download/y; else wget https://example.org/x/$V/y; fi\n"},
				{"Dockerfile": "FROM debian:bookworm\nRUN curl -fo /L https://raw.githubusercontent.com/a/b/main/LICENSE\n"},
			},
		},
	} {
		for _, files := range pair.found {
			assert.Len(t, only(judge(t, files), rule), 1, "%s: %v", rule, files)
		}
		for _, files := range pair.none {
			assert.Empty(t, describe(only(judge(t, files), rule)), "%s: %v", rule, files)
		}
	}
}

func judge(t *testing.T, files map[string]string) []check.Finding {
	t.Helper()
	return Run(readDockerfile(t, files["Dockerfile"], executables(files)))
}
