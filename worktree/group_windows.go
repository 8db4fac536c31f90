package worktree

import (
	"os/exec"
	"syscall"
)

// apart keeps an interrupt at the terminal from a command: what interrupts the caller
// is for the caller to hear.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
