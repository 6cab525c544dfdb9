//go:build !unix

package advisory

import (
	"io"
	"os"
)

// mapFile reads the whole file where the system offers no simple way to map it.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, nil, err
	}
	return data, func() error { return nil }, nil
}
