// Package confine starts a program that can touch only what it was given: Linux's Landlock
// (https://docs.kernel.org/userspace-api/landlock.html) takes the rest away before its first instruction, so that
// nothing that the program is fed can win it back. Seal then lets that program give up the system calls that it does not
// need.
//
// # Limitations
//
// Landlock looks at opening, not at asking: a confined program can still see that a file exists and how large it is.
// Of the network it takes TCP alone, and older kernels lack parts; what the kernel has is used. The program keeps the
// descriptors it is handed.
package confine

import (
	"errors"
	"os/exec"
)

// Policy is what a confined program may do. Paths that don't exist are left out.
type Policy struct {
	Read    []string // files and folders with all below them that may be read
	Write   []string // folders in which files may be read, written, made and removed
	Execute []string // programs that may be started; each may be read, and so may the loader it asks for
	Network bool     // connect and listen
	Links   bool     // make symbolic links in the folders of Write; following them needs the rights of where they lead
}

// ErrUnsupported is what Start returns where the system can't confine. Nothing was started then.
var ErrUnsupported = errors.New("this system has no Landlock")

// Start starts the command as cmd.Start does, confined by the policy.
func Start(cmd *exec.Cmd, policy Policy) error { return start(cmd, policy) }
