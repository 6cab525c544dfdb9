package confine

import "errors"

// Calls are the system calls that a sealed process may still make, beyond those that every program makes.
type Calls struct {
	Network bool // sockets of the internet and of Unix; none without
}

// ErrUnsealable is what Seal returns where the system has no filter of system calls that we know how to write. The
// process is as it was then.
var ErrUnsealable = errors.New("this system has no seccomp filter for us")

// Seal takes from this process, from all of its threads and for good, the system calls that reading files never needs:
// to start programs and processes, to look into others, to change mounts, namespaces, modules, clocks and keys, to load
// programs into the kernel, and sockets that calls does not name. Such a call fails with EPERM; one in the calling
// convention of another architecture ends the process. It is called once, before anything is read that others wrote.
//
// The filter is Linux's seccomp (https://docs.kernel.org/userspace-api/seccomp_filter.html).
func Seal(calls Calls) error { return seal(calls) }
