package programs

// Manager is the package manager that a program belongs to, "" for any other: what
// one of its programs fetches, another one installs.
func Manager(name string) string {
	if Is(name, Apt) {
		return "apt"
	}
	switch name {
	case "dnf", "dnf4", "dnf5", "microdnf", "tdnf", "yum":
		return "dnf"
	case "apk", "zypper", "rpm", "opkg", "pacman":
		return name
	}
	return ""
}

// Refreshes reports whether a package manager asks for its index anew for a verb.
func Refreshes(name, verb string) bool {
	switch Manager(name) {
	case "apt", "apk", "opkg":
		return verb == "update"
	case "dnf":
		return verb == "makecache"
	case "zypper":
		return verb == "refresh" || verb == "ref"
	}
	return false
}

// Installs reports whether a package manager fetches packages for a verb.
func Installs(name, verb string) bool {
	switch Manager(name) {
	case "apt":
		return AptInstalls(verb) || verb == "source"
	case "apk":
		return verb == "add" || verb == "upgrade" || verb == "fix"
	case "":
		return false
	}
	return verb != "" && !Refreshes(name, verb) && !Removes(name, verb)
}

// Removes reports whether a program only takes away, for a verb.
func Removes(name, verb string) bool {
	switch name {
	case "rm", "rmdir", "unlink", "shred", "deluser", "userdel", "delgroup", "groupdel", "apt-mark", "true", ":", "sync":
		return true
	case "pip", "pip3", "npm", "yarn", "pnpm", "gem", "go", "conda", "mamba", "composer", "cargo":
		return isOneOf(verb, "clean", "cache", "uninstall", "remove", "prune")
	}
	if AptCleans(verb) && Manager(name) == "apt" {
		return true
	}
	return Manager(name) != "" && isOneOf(verb, "clean", "autoremove", "purge", "remove", "del", "erase", "cache", "rm")
}

func isOneOf(s string, list ...string) bool { return anyOf(list...)(s) }

// Wraps reports whether a program does no more than run another one, as another
// user or in another root.
func Wraps(name string) bool {
	return isOneOf(name, "gosu", "su-exec", "setpriv", "sudo", "su", "runuser", "chroot")
}

// Ends reports whether a program is known to have ended, with all that it has
// started, when its call has, beside those that package cache knows.
func Ends(name string) bool {
	return isOneOf(name, "scanelf", "execstack", "docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable",
		"pear", "pgxn", "cargo-binstall", "npx", "hatch", "pdm", "nodeenv")
}
