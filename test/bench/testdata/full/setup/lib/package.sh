# shellcheck shell=sh
# Sourced by the scripts whose program comes from Debian's archive as it is, of any release.

# unpack RELEASE DIRECTORY PACKAGE...: unpacks packages without what they depend on. Lists and downloads are kept in the
# working directory.
unpack() {
    release=$1 directory=$2
    shift 2
    mkdir -p lists/partial
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $release main" >sources.list
    cat >apt.conf <<CONF
Dir::Etc::SourceList "$PWD/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$PWD/lists";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG="$PWD/apt.conf"
    apt-get update
    rm -f ./*.deb
    for package; do
        apt-get download "$package/$release"
    done
    for file in ./*.deb; do
        dpkg-deb --extract "$file" "$directory"
    done
}
