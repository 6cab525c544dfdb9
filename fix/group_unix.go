//go:build unix

package fix

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a program the head of a group, so that what it started ends with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
