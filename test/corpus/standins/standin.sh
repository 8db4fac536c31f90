#!/bin/bash
# Stands in for programs that builds run, by the name that it is called by. It reads of a tree what they read, looks for
# what they look for, and writes something that tells of it.
set -eu

# imports FILE...: what a bundler does with a module's imports.
imports() {
  for module; do
    echo "// $module"
    cat "$module"
    sed -n 's/^import //p' "$module" >"/tmp/imports.$$"
    while read -r name; do
      for at in "$(dirname "$module")/$name.ts" "$(dirname "$module")/$name.js" "$(dirname "$module")/$name/index.js" "node_modules/$name/index.js"; do
        if [ -e "$at" ]; then
          echo "// $name is $at"
          cat "$at"
          break
        fi
      done
    done <"/tmp/imports.$$"
    rm "/tmp/imports.$$"
  done
}

npm() {
  case "$1" in
  ci)
    rm -rf node_modules
    for name in npm-shrinkwrap.json .npmrc /root/.npmrc; do
      if [ -e "$name" ]; then cat "$name" >>/tmp/npm-settings; fi
    done
    cat package.json >/dev/null
    sed -n 's/^dep //p' package-lock.json | while read -r name version; do
      mkdir -p "node_modules/$name"
      echo "module $name $version" >"node_modules/$name/index.js"
    done
    mkdir -p node_modules/.dev
    if [ -e /tmp/npm-settings ]; then mv /tmp/npm-settings node_modules/.settings; fi
    if grep -q '^workspaces' package.json; then
      for manifest in packages/*/package.json; do
        if [ -e "$manifest" ]; then cp "$manifest" "node_modules/.$(basename "$(dirname "$manifest")")"; fi
      done
    fi
    ;;
  run)
    mkdir -p dist
    if [ -e tsconfig.json ]; then cp tsconfig.json dist/; fi
    find src -type f -name '*.js' | LC_ALL=C sort | while read -r module; do imports "$module"; done >dist/bundle.js
    ;;
  prune) rm -rf node_modules/.dev ;;
  pack) tar --sort=name --mtime=@0 -cf /tmp/package.tar src package.json && mkdir -p /srv && mv /tmp/package.tar /srv/ ;;
  esac
}

# make: an object is made anew if one of its sources is newer.
make() {
  cat Makefile >/dev/null
  mkdir -p out
  for source in src/*.c; do
    object="out/$(basename "$source" .c).o"
    headers=""
    # shellcheck disable=SC2013 # names have no blanks
    for name in $(sed -n 's/^#include //p' "$source"); do
      for dir in src include /usr/local/include; do
        if [ -e "$dir/$name" ]; then
          headers="$headers $dir/$name"
          break
        fi
      done
    done
    anew=yes
    if [ -e "$object" ]; then
      anew=""
      for input in "$source" $headers; do
        if [ "$input" -nt "$object" ]; then anew=again; fi
      done
    fi
    if [ -n "$anew" ]; then
      echo "compiled $anew" >"$object"
      # shellcheck disable=SC2086 # a list of names
      cat "$source" $headers >>"$object"
    fi
  done
  if [ "${1:-}" = install ]; then
    mkdir -p /usr/local/lib/project
    cp out/*.o /usr/local/lib/project/
    if [ -d man ]; then cp -r man /usr/local/lib/project/; fi
  fi
}

pip() {
  shift
  site=/usr/lib/python
  mkdir -p "$site"
  if [ "$1" = -r ]; then
    for file in "$2" $(sed -n 's/^-r //p' "$2"); do
      grep -v '^-r' "$file" || true
    done | while read -r requirement; do mkdir -p "$site/$requirement" && echo "$requirement" >"$site/$requirement/__init__.py"; done
    return
  fi
  for name in pyproject.toml setup.cfg setup.py; do
    if [ -e "$name" ]; then
      cat "$name" >"$site/settings"
      break
    fi
  done
  find src -name '*.py' | LC_ALL=C sort | while read -r module; do
    mkdir -p "$site/$(dirname "$module")"
    cp "$module" "$site/$module"
  done
}

cargo() {
  for dir in . /root; do
    if [ -e "$dir/.cargo/config.toml" ]; then cat "$dir/.cargo/config.toml" >/opt/cargo-settings; fi
  done
  cat Cargo.toml Cargo.lock >/dev/null
  for member in crates/*/Cargo.toml; do
    if [ -e "$member" ]; then cat "$member" >>/opt/members; fi
  done
  mkdir -p target
  module src/main.rs >target/program
}

# module FILE: a file and the modules that it declares.
module() {
  cat "$1"
  # shellcheck disable=SC2013 # names have no blanks
  for name in $(sed -n 's/^mod //p' "$1"); do
    if [ -e "src/$name.rs" ]; then
      module "src/$name.rs"
    elif [ -e "src/$name/mod.rs" ]; then
      module "src/$name/mod.rs"
    fi
  done
}

# A package is a file; apt-get installs only what an index tells of, and leaves what it downloads where apt does.
apt-get() {
  local verb="" word
  for word; do
    case "$word" in
    -*) ;;
    *)
      if [ -n "$verb" ]; then package "$verb" "$(basename "${word%%=*}")"; else verb=$word; fi
      ;;
    esac
  done
  case "$verb" in
  update)
    mkdir -p /var/lib/apt/lists
    cat /etc/apt/sources.list.d/* >/var/lib/apt/lists/index
    ;;
  clean) rm -f /var/cache/apt/archives/*.deb ;;
  esac
}

package() {
  case "$1" in
  install)
    test -e /var/lib/apt/lists/index
    mkdir -p "/usr/share/doc/$2"
    echo "$2" >"/usr/share/doc/$2/copyright"
    if ! grep -qs archives /etc/apt/apt.conf.d/docker-clean; then
      mkdir -p /var/cache/apt/archives
      echo "archive of $2" >"/var/cache/apt/archives/$2.deb"
    fi
    ;;
  remove | purge) rm -rf "/usr/share/doc/$2" ;;
  esac
}

apt-mark() { echo "$*" >>/var/lib/marks; }

apk() {
  local verb=$1 word
  for word in "${@:2}"; do
    case "$verb $word" in
    *" -"*) ;;
    add* | install*) mkdir -p "/usr/share/doc/$word" ;;
    del*) rm -rf "/usr/share/doc/$word" ;;
    esac
  done
}

dnf() {
  while [ "${1#-}" != "$1" ]; do shift; done
  apk "$@"
}

microdnf() { dnf "$@"; }

# download FILE URL: an archive with a project in it, or a line.
download() {
  local name folder
  case "$2" in
  *.tar.gz)
    name=$(basename "$2" .tar.gz)
    folder=$(mktemp -d)
    mkdir -p "$folder/$name/src"
    echo "all:" >"$folder/$name/Makefile"
    echo "#define SOCKET_DIR \"/tmp\"" >"$folder/$name/src/config.h"
    echo "#include config.h" >"$folder/$name/src/main.c"
    printf '#!/bin/sh\necho "$@" >config.log\n' >"$folder/$name/configure"
    chmod 755 "$folder/$name/configure"
    tar --sort=name --mtime=@0 -C "$folder" -czf "$1" "$name"
    rm -r "$folder"
    ;;
  *) echo "from $2" >"$1" ;;
  esac
}

curl() {
  local to=/dev/stdout url=""
  while [ $# -gt 0 ]; do
    case "$1" in
    --output | -o | -sLo | -O) to=$2 && shift ;;
    http*) url=$1 ;;
    esac
    shift
  done
  download "$to" "$url"
}

wget() {
  local url="${*: -1}"
  case "$*" in
  *"-O -"*) curl "$url" ;;
  *-O*) curl "$@" ;;
  *) curl -o "$(basename "$url")" "$url" ;;
  esac
}

python3() { echo "python3 $*" >>/opt/python; }

"$(basename "$0")" "$@"
