package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trifecta": main})
}

// TestScript runs the behaviours in testdata/script against the real program.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"gunzip": gunzip, "layout": layoutOf},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			// A scan of a test never finds the caches and settings of whoever runs the tests.
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/.cache")
			env.Setenv("TRIFECTA_DB", "")
			// The day after the advisories of the scripts were modified, so that none of them is stale.
			env.Setenv("SOURCE_DATE_EPOCH", "1768521600")
			images, err := filepath.Abs("../../internal/disk/testdata")
			env.Setenv("IMAGES", images)
			return err
		},
	})
}

// gunzip unpacks a file: gunzip FROM TO.
func gunzip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gunzip FROM TO")
	}
	r, err := gzip.NewReader(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	data, err := io.ReadAll(r)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}
