package main

import "golang.org/x/sys/unix"

// hideEnvironment makes /proc/PID of this process unreadable for others of the same user, so that the scan process
// can't read there the tokens that its own environment lacks (prctl(2), PR_SET_DUMPABLE). Only a process with
// CAP_SYS_PTRACE still can.
func hideEnvironment() error {
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
