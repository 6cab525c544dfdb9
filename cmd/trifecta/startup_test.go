package main

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// maxInit bounds the sum of all package initialisations in ms. A command line is started often and mostly to do
// little; one library that compiles its patterns or fills its tables at start costs all of them. `make startup` names
// the dearest.
const maxInit = 25

// TestStartup runs this test program, which links everything the command does, and adds up what the runtime says about
// each initialisation. The smallest of several sums counts: a busy machine only makes them larger.
func TestStartup(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("counters of a coverage run are initialised too")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	best := math.Inf(1)
	for range 5 {
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		var trace bytes.Buffer
		cmd.Stderr = &trace
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		sum, packages := 0.0, 0
		// init PACKAGE @START ms, DURATION ms clock, ...; see GODEBUG in the documentation of package runtime.
		for lines := bufio.NewScanner(&trace); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) < 6 || fields[0] != "init" {
				continue
			}
			ms, err := strconv.ParseFloat(fields[4], 64)
			if err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			sum += ms
			packages++
		}
		if packages < 10 {
			t.Fatalf("the trace names %d packages; has its form changed?", packages)
		}
		best = min(best, sum)
	}
	t.Logf("initialisations take %.1f ms", best)
	if best > maxInit {
		t.Errorf("initialisations take %.1f ms, more than %d; run `make startup`", best, maxInit)
	}
}
