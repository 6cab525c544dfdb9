// Package shared finds the folder of real-world test data that stands beside a checkout of the project. A clone
// without it passes its tests too: those that need the data skip and say so.
package shared

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder of shared test data, or skips the test where there is none.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir, ok := Find()
	if !ok {
		tb.Skip("no folder of shared test data beside the checkout; set TRIFECTA_SHARED to use one")
	}
	return dir
}

// Find returns the folder of shared test data, if there is one. The variable TRIFECTA_SHARED names it; otherwise it is
// the folder shared beside the module's root.
func Find() (dir string, ok bool) {
	if dir := os.Getenv("TRIFECTA_SHARED"); dir != "" {
		return dir, true
	}
	at, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			dir = filepath.Join(filepath.Dir(at), "shared")
			info, err := os.Stat(dir)
			return dir, err == nil && info.IsDir()
		}
	}
	return "", false
}
