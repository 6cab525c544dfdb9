//go:build amd64 || arm64

package confine_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/trifecta-scanner/trifecta/internal/confine"
)

// attempts are what a sealed process tries, by name. Each returns the error of its call.
var attempts = map[string]func() error{
	"execve": func() error {
		path, err := syscall.BytePtrFromString("/bin/true")
		if err != nil {
			return err
		}
		return raw(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), 0, 0)
	},
	"start a program": func() error { return exec.Command("/bin/true").Run() },
	"fork":            func() error { return raw(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0) },
	"clone3":          func() error { return raw(unix.SYS_CLONE3, 0, 0, 0) },
	"ptrace":          func() error { return raw(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0) },
	"process_vm_readv": func() error {
		return raw(unix.SYS_PROCESS_VM_READV, uintptr(os.Getpid()), 0, 0)
	},
	"mount":           func() error { return unix.Mount("none", "/", "tmpfs", 0, "") },
	"unshare":         func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
	"keyctl":          func() error { return raw(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, 0, 0) },
	"bpf":             func() error { return raw(unix.SYS_BPF, 0, 0, 0) },
	"perf_event_open": func() error { return raw(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0) },
	"init_module":     func() error { return raw(unix.SYS_INIT_MODULE, 0, 0, 0) },
	"io_uring_setup":  func() error { return raw(unix.SYS_IO_URING_SETUP, 1, 0, 0) },
	"memfd_create": func() error {
		_, err := unix.MemfdCreate("x", 0)
		return err
	},
	"socket inet":    socket(unix.AF_INET),
	"socket inet6":   socket(unix.AF_INET6),
	"socket unix":    socket(unix.AF_UNIX),
	"socket netlink": socket(unix.AF_NETLINK),
	"socket vsock":   socket(unix.AF_VSOCK),
	"read a file": func() error {
		_, err := os.ReadFile("/proc/self/stat")
		return err
	},
	"write a file": func() error {
		f, err := os.CreateTemp("", "")
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	},
	"start threads": func() error {
		done := make(chan struct{})
		for range 8 {
			go func() {
				runtime.LockOSThread() // each ends with its thread
				runtime.GC()
				done <- struct{}{}
			}()
		}
		for range 8 {
			<-done
		}
		return nil
	},
}

func raw(number, a, b, c uintptr) error {
	if _, _, errno := unix.RawSyscall6(number, a, b, c, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func socket(family int) func() error {
	return func() error {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	}
}

// The variables by which a test starts itself again as the process that is sealed.
const (
	attemptVariable = "CONFINE_TEST_ATTEMPT"
	networkVariable = "CONFINE_TEST_NETWORK"
)

// TestSealedProcess is the process that TestSeal starts. It makes the attempt on a thread that was there before the
// filter was.
func TestSealedProcess(t *testing.T) {
	attempt, ok := attempts[os.Getenv(attemptVariable)]
	if !ok {
		t.Skip("started by TestSeal")
	}
	sealed, result := make(chan error), make(chan error)
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(ready)
		if err := <-sealed; err != nil {
			result <- err
			return
		}
		result <- attempt()
	}()
	<-ready
	sealed <- confine.Seal(confine.Calls{Network: os.Getenv(networkVariable) != ""})
	fmt.Printf("result: %v\n", <-result)
}

func TestSeal(t *testing.T) {
	const refused = "operation not permitted"
	tests := []struct {
		attempt string
		network bool
		want    string // in the result
	}{
		{"execve", true, refused},
		{"start a program", true, refused},
		{"fork", true, refused},
		{"clone3", true, "function not implemented"},
		{"ptrace", true, refused},
		{"process_vm_readv", true, refused},
		{"mount", true, refused},
		{"unshare", true, refused},
		{"keyctl", true, refused},
		{"bpf", true, refused},
		{"perf_event_open", true, refused},
		{"init_module", true, refused},
		{"io_uring_setup", true, refused},
		{"memfd_create", true, refused},
		{"socket netlink", true, refused},
		{"socket vsock", true, refused},
		{"socket inet", true, "<nil>"},
		{"socket inet6", true, "<nil>"},
		{"socket unix", true, "<nil>"},
		{"socket inet", false, refused},
		{"socket inet6", false, refused},
		{"socket unix", false, refused},
		{"read a file", false, "<nil>"},
		{"write a file", false, "<nil>"},
		{"start threads", false, "<nil>"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s, network %v", tt.attempt, tt.network), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSealedProcess$")
			cmd.Env = append(os.Environ(), attemptVariable+"="+tt.attempt)
			if tt.network {
				cmd.Env = append(cmd.Env, networkVariable+"=1")
			}
			out, err := cmd.CombinedOutput()
			if strings.Contains(string(out), confine.ErrUnsealable.Error()) {
				t.Skip(string(out))
			}
			line, _, _ := strings.Cut(string(out), "\n")
			if err != nil || !strings.HasPrefix(line, "result: ") || !strings.Contains(line, tt.want) {
				t.Errorf("%v: %q; want %q", err, out, tt.want)
			}
		})
	}
}
