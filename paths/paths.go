// Package paths tells where a path of an image lies: in which directory, and
// whether every image has it. It imports nothing of the project.
package paths

import (
	"path"
	"strings"
)

// Inside is a path as one below a directory that it cannot leave, a build context for
// instance: clean, with no slash in front; "" for the directory itself.
func Inside(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// Within reports whether a path is a directory or lies below it.
func Within(name, dir string) bool { return name == dir || Below(name, dir) }

// Below reports whether a path lies below a directory.
func Below(name, dir string) bool {
	if dir == "/" {
		return name != "/"
	}
	return len(name) > len(dir) && name[len(dir)] == '/' && strings.HasPrefix(name, dir)
}

// Everywhere reports whether every image has a path as a directory, so that a
// copy to it goes into it, and so that nothing makes it.
func Everywhere(dir string) bool {
	switch dir {
	case "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys",
		"/tmp", "/usr", "/usr/bin", "/usr/include", "/usr/lib", "/usr/libexec", "/usr/local", "/usr/sbin", "/usr/share", "/usr/src",
		"/usr/local/bin", "/usr/local/etc", "/usr/local/include", "/usr/local/lib", "/usr/local/sbin", "/usr/local/share", "/usr/local/src",
		"/usr/share/doc", "/usr/share/keyrings", "/var", "/var/cache", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/tmp",
		"/etc/alternatives", "/etc/apt", "/etc/apt/apt.conf.d", "/etc/apt/keyrings", "/etc/apt/preferences.d", "/etc/apt/sources.list.d",
		"/etc/apt/trusted.gpg.d", "/etc/cron.d", "/etc/cron.daily", "/etc/default", "/etc/dpkg/dpkg.cfg.d", "/etc/init.d", "/etc/ld.so.conf.d",
		"/etc/logrotate.d", "/etc/pam.d", "/etc/profile.d", "/etc/security", "/etc/skel", "/etc/ssl", "/etc/ssl/certs", "/etc/systemd":
		return true
	}
	return false
}

// Programs reports whether a directory is one in which systems have their own
// programs.
func Programs(dir string) bool {
	switch dir {
	case "/bin", "/sbin", "/usr/bin", "/usr/sbin":
		return true
	}
	return false
}

// Shared reports whether a directory is one that every image has, or that other
// packages write to: such a directory is never a copy's own.
func Shared(dir string) bool { return dir == "." || Everywhere(dir) || Implicit(dir) }

// Implicit reports whether a path is in a place that programs read without being
// told to: configuration, libraries, certificates, the search path.
func Implicit(name string) bool {
	if Within(name, "/usr/src") || Within(name, "/usr/local/src") {
		return false
	}
	for _, dir := range []string{"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr", "/var"} {
		if Within(name, dir) {
			return true
		}
	}
	return Within(name, "/root") && strings.HasPrefix(strings.TrimPrefix(name, "/root/"), ".")
}
