// Package shared finds the folder of real-world test data that stands beside a checkout of the project. A clone
// without it passes its tests too: those that need the data skip and say so.
package shared

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder of shared test data, or skips the test where there is none. The variable TRIFECTA_SHARED
// names it; otherwise it is the folder shared beside the module's root.
func Dir(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("TRIFECTA_SHARED"); dir != "" {
		return dir
	}
	at, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for at != filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			dir := filepath.Join(filepath.Dir(at), "shared")
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				return dir
			}
			break
		}
		at = filepath.Dir(at)
	}
	tb.Skip("no folder of shared test data beside the checkout; set TRIFECTA_SHARED to use one")
	return ""
}
