package main

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxInit bounds the sum of all package initialisations in ms. A command line is started often and mostly to do
// little; one library that compiles its patterns or fills its tables at start costs all of them. `make startup` names
// the dearest.
const maxInit = 15

// maxAccount bounds the part of it that is there for --aws, which most runs do not use.
const maxAccount = 3

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
			break
		}
	}
	account := 0.0
	for name, ms := range best {
		if strings.HasPrefix(name, "github.com/aws/") || strings.HasSuffix(name, "/internal/aws") {
			account += ms
		}
	}
	t.Logf("%.1f ms in all, %.1f ms of them for AWS", sum, account)
	if account > maxAccount {
		t.Errorf("initialisations for AWS take %.1f ms, more than %d; run `make startup`", account, maxAccount)
	}
	if sum <= maxInit {
		return
	}
	t.Errorf("initialisations take %.1f ms, more than %d; run `make startup`", sum, maxInit)
}

// TestServices: of the SDK of AWS only those clients are linked that its chain of credentials asks. The client of one more service
// can cost 20 MB of binary; what else is asked has requests of its own in internal/aws.
func TestServices(t *testing.T) {
	const clients = "github.com/aws/aws-sdk-go-v2/service/"
	var got []string
	for name := range linkedPackages(t) {
		if service, ok := strings.CutPrefix(name, clients); ok && !strings.Contains(service, "/") {
			got = append(got, service)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"signin", "sso", "ssooidc", "sts"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
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
