//go:build unix

package advisory

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile returns the content of a file as memory that the kernel fills as it is read, and how to give it back.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
