//go:build amd64 || arm64

package confine

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// denied are the calls that a scan never makes, whatever their arguments; deniedHere are those that only this
// architecture has.
var denied = []uintptr{
	// other programs and processes
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE,
	unix.SYS_KCMP, unix.SYS_PIDFD_GETFD, unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_PERSONALITY,
	// a file that is none, and so a program from nowhere
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_MKNODAT,
	// files past their names
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
	// mounts
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN,
	unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL,
	unix.SYS_QUOTACTL_FD, unix.SYS_FANOTIFY_INIT,
	// keys
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	// large doors into the kernel
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_SYSLOG,
	// the machine
	unix.SYS_REBOOT, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME, unix.SYS_SETHOSTNAME,
	unix.SYS_SETDOMAINNAME, unix.SYS_ACCT, unix.SYS_VHANGUP,
}

// Where the arguments of a call stand in what a filter sees (struct seccomp_data); the machines we know are little
// endian, so that the lower half of an argument comes first.
const (
	dataNumber = 0
	dataArch   = 4
	dataArg0   = 16
)

// filter returns the program that the kernel asks about each call.
func filter(calls Calls) []unix.SockFilter {
	const allow, refuse = unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	ret := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	// unless skips the next instruction where the comparison holds.
	unless := func(comparison uint16, k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, K: k, Jt: 1}
	}
	// when skips the next n instructions where the value is another one.
	when := func(k uint32, n int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: uint8(n)}
	}
	program := []unix.SockFilter{
		load(dataArch), unless(unix.BPF_JEQ, auditArch), ret(unix.SECCOMP_RET_KILL_PROCESS),
		load(dataNumber),
		// Numbers from 2^30 on are those of x32, which reach the same calls by other names.
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 1 << 30, Jf: 1}, ret(refuse),
	}
	for _, number := range slices.Concat(denied, deniedHere) {
		program = append(program, when(uint32(number), 1), ret(refuse))
	}
	// Go asks for a thread with clone alone. clone3 keeps its flags where no filter sees them; whoever prefers it falls
	// back to clone when it is not there.
	program = append(program,
		when(unix.SYS_CLONE3, 1), ret(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)),
		when(unix.SYS_CLONE, 4), load(dataArg0), unless(unix.BPF_JSET, unix.CLONE_THREAD), ret(refuse), ret(allow))
	if calls.Network {
		program = append(program,
			when(unix.SYS_SOCKET, 7), load(dataArg0),
			when(unix.AF_INET, 1), ret(allow), when(unix.AF_INET6, 1), ret(allow), unless(unix.BPF_JEQ, unix.AF_UNIX), ret(refuse))
	} else {
		program = append(program, when(unix.SYS_SOCKET, 1), ret(refuse))
	}
	return append(program, ret(allow))
}

func seal(calls Calls) error {
	program := filter(calls)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The kernel takes this over to the other threads together with the filter.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("seccomp: give up new privileges: %w", err)
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	switch {
	case errno == unix.ENOSYS, errno == unix.EINVAL: // a kernel without seccomp, or one that knows no filters
		return fmt.Errorf("%w: %w", ErrUnsealable, errno)
	case errno != 0:
		return fmt.Errorf("seccomp: set the filter: %w", errno)
	case thread != 0:
		return fmt.Errorf("seccomp: thread %d has a filter of its own", thread)
	}
	return nil
}
