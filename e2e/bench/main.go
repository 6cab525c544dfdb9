// Command bench times trifecta beside osv-scanner and Syft on three real repositories, whole processes, and writes the
// tables of docs/benchmarks.md. The programs take turns, so that a busy minute of the machine hits all of them alike;
// medians count. Run it with `make bench-peers`.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/peers"
)

// repositories are the ones that the goals are set for.
var repositories = []string{"bridgecrewio/terragoat", "aws-containers/retail-store-sample-app", "open-telemetry/opentelemetry-demo"}

func main() {
	var opts options
	flag.StringVar(&opts.shared, "shared", cmp.Or(os.Getenv("TRIFECTA_SHARED"), filepath.Join("..", "shared")), "folder with corpus/*.tar.gz, osv/ and intel/")
	flag.StringVar(&opts.trifecta, "trifecta", filepath.Join("bin", "trifecta"), "the program to time")
	flag.StringVar(&opts.osvScanner, "osv-scanner", "", "its peer (default: built from "+peers.OSVScanner+")")
	flag.StringVar(&opts.syft, "syft", "", "its other peer (default: built from "+peers.Syft+")")
	flag.StringVar(&opts.document, "document", filepath.Join("docs", "benchmarks.md"), "the document to write into")
	flag.IntVar(&opts.rounds, "rounds", 7, "runs of each program on each repository")
	flag.Parse()
	if err := run(context.Background(), opts); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

type options struct {
	shared, trifecta, osvScanner, syft, document string
	rounds                                       int
}

// program is one way to ask the question about a folder.
type program struct {
	name    string
	command func(dir string) *exec.Cmd
}

func run(ctx context.Context, opts options) (err error) {
	if opts.osvScanner == "" {
		if opts.osvScanner, err = peers.Install(ctx, peers.OSVScanner); err != nil {
			return err
		}
	}
	if opts.syft == "" {
		if opts.syft, err = peers.Install(ctx, peers.Syft); err != nil {
			return err
		}
	}
	bucket := filepath.Join(opts.shared, "osv")
	database, err := peers.Database(bucket)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(database)) }()
	programs := []program{
		{"trifecta scan", func(dir string) *exec.Cmd {
			return exec.CommandContext(ctx, opts.trifecta, "scan", dir, "--offline", "--db", bucket, "--fail-on", "none", "-o", "json", "-o", "cyclonedx="+os.DevNull, "--quiet")
		}},
		{"osv-scanner", func(dir string) *exec.Cmd { return peers.OSVScannerCommand(ctx, opts.osvScanner, database, dir) }},
		{"syft", func(dir string) *exec.Cmd { return peers.SyftCommand(ctx, opts.syft, dir, "cyclonedx-json") }},
	}

	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d runs, %s/%s, %d processors: wall s / CPU s / peak MB.\n\n", opts.rounds, runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	b.WriteString("| repository | trifecta scan, JSON and CycloneDX | osv-scanner, JSON | syft, CycloneDX | of osv-scanner's time | of both together |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, repository := range repositories {
		name := strings.Replace(repository, "/", "+", 1)
		dir := filepath.Join(database, name)
		if err := peers.Unpack(filepath.Join(opts.shared, "corpus", name+".tar.gz"), dir); err != nil {
			return err
		}
		costs, err := measure(programs, dir, opts.rounds)
		if err != nil {
			return err
		}
		line := row(repository, costs)
		fmt.Print(line)
		b.WriteString(line)
	}
	start, err := startup(ctx, opts.trifecta)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nStart-up, `trifecta version`, best of 10: %d ms.\n", start.Milliseconds())
	return peers.Replace(opts.document, "make bench-peers", b.String())
}

// measure lets the programs take turns, each round in another order, after one round that warms the caches.
func measure(programs []program, dir string, rounds int) ([]peers.Cost, error) {
	all := make([][]peers.Cost, len(programs))
	for round := range rounds + 1 {
		for turn := range programs {
			i := (turn + round) % len(programs)
			_, cost, err := peers.Run(programs[i].command(dir), 1)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				all[i] = append(all[i], cost)
			}
		}
	}
	medians := make([]peers.Cost, len(programs))
	for i, costs := range all {
		medians[i] = peers.Cost{
			Wall: median(costs, func(c peers.Cost) time.Duration { return c.Wall }),
			CPU:  median(costs, func(c peers.Cost) time.Duration { return c.CPU }),
			Peak: median(costs, func(c peers.Cost) int64 { return c.Peak }),
		}
	}
	return medians, nil
}

func median[T cmp.Ordered](costs []peers.Cost, of func(peers.Cost) T) T {
	values := make([]T, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func row(repository string, costs []peers.Cost) string {
	ours, osv, syft := costs[0], costs[1], costs[2]
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |", repository)
	for _, c := range costs {
		fmt.Fprintf(&b, " %.2f / %.2f / %d |", c.Wall.Seconds(), c.CPU.Seconds(), c.Peak>>20)
	}
	fmt.Fprintf(&b, " %.0f %% | %.0f %% |\n", 100*ours.Wall.Seconds()/osv.Wall.Seconds(), 100*ours.Wall.Seconds()/(osv.Wall+syft.Wall).Seconds())
	return b.String()
}

// startup returns the shortest of ten runs of the smallest command.
func startup(ctx context.Context, bin string) (time.Duration, error) {
	best := time.Hour
	for range 10 {
		_, cost, err := peers.Run(exec.CommandContext(ctx, bin, "version"))
		if err != nil {
			return 0, err
		}
		best = min(best, cost.Wall)
	}
	return best, nil
}
