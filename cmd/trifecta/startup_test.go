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
const maxInit = 15

// maxRuns is how often a busy machine is asked again.
const maxRuns = 20

// TestStartup runs this test program, which links everything the command does, and adds up what the runtime says about
// the initialisation of each package of the command. Of each package the fastest run counts, because other work on the machine only slows it down.
func TestStartup(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("counters of a coverage run are initialised too")
	}
	linked := linkedPackages(t)
	best := map[string]float64{}
	sum := math.Inf(1)
	for range maxRuns {
		for name, ms := range initTrace(t) {
			if known, ok := best[name]; linked[name] && (!ok || ms < known) {
				best[name] = ms
			}
		}
		if len(best) < 10 {
			t.Fatalf("the trace names %d packages; has its form changed?", len(best))
		}
		sum = 0
		for _, ms := range best {
			sum += ms
		}
		if sum <= maxInit {
			return
		}
	}
	t.Errorf("initialisations take %.1f ms, more than %d; run `make startup`", sum, maxInit)
}

// linkedPackages returns the packages of the command, which are fewer than those of its tests.
func linkedPackages(t *testing.T) map[string]bool {
	t.Helper()
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for name := range strings.FieldsSeq(string(list)) {
		linked[name] = true
	}
	return linked
}

// initTrace returns how many ms each package takes to initialise in one run.
func initTrace(t *testing.T) map[string]float64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	took := map[string]float64{}
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
		took[fields[1]] += ms
	}
	return took
}
