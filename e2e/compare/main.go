// Command compare sets what trifecta finds against what osv-scanner finds, and the packages that it lists against those
// of osv-scanner and Syft, on real repositories and with the same database, and writes the tables of docs/comparison.md.
// It ends with 1 where osv-scanner finds something that trifecta does not, or where a package that only one side lists
// is in no class that says why. Run it with `make compare`.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/peers"
)

func main() {
	var opts options
	flag.StringVar(&opts.shared, "shared", cmp.Or(os.Getenv("TRIFECTA_SHARED"), filepath.Join("..", "shared")), "folder with corpus/*.tar.gz and osv/, the database")
	flag.StringVar(&opts.trifecta, "trifecta", filepath.Join("bin", "trifecta"), "the program to judge")
	flag.StringVar(&opts.osvScanner, "osv-scanner", "", "the program to judge by (default: built from "+peers.OSVScanner+")")
	flag.StringVar(&opts.syft, "syft", "", "the program to compare packages with, too (default: built from "+peers.Syft+")")
	flag.StringVar(&opts.document, "document", filepath.Join("docs", "comparison.md"), "the document to write into")
	flag.Parse()
	lacks, err := run(context.Background(), opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	if lacks > 0 {
		os.Exit(1)
	}
}

type options struct {
	shared, trifecta, osvScanner, syft, document string
}

// run compares every archive and returns how many findings of osv-scanner trifecta lacks, and how many differences
// between the packages are not explained.
func run(ctx context.Context, opts options) (lacks int, err error) {
	archives, err := filepath.Glob(filepath.Join(opts.shared, "corpus", "*.tar.gz"))
	if err != nil {
		return 0, err
	}
	if len(archives) == 0 {
		return 0, fmt.Errorf("%s has no corpus/*.tar.gz; name the folder with -shared", opts.shared)
	}
	if opts.osvScanner == "" {
		if opts.osvScanner, err = peers.Install(ctx, peers.OSVScanner); err != nil {
			return 0, err
		}
	}
	if opts.syft == "" {
		if opts.syft, err = peers.Install(ctx, peers.Syft); err != nil {
			return 0, err
		}
	}
	bucket := filepath.Join(opts.shared, "osv")
	database, err := peers.Database(bucket)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(database)) }()

	var all []comparison
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		dir := filepath.Join(database, name)
		if err := peers.Unpack(archive, dir); err != nil {
			return 0, err
		}
		theirs, err := theirScan(ctx, opts.osvScanner, database, dir)
		if err != nil {
			return 0, err
		}
		syft, err := syftScan(ctx, opts.syft, dir)
		if err != nil {
			return 0, err
		}
		ours, err := ourScan(ctx, opts.trifecta, bucket, dir)
		if err != nil {
			return 0, err
		}
		c := compare(theirs, ours)
		c.repository = strings.Replace(name, "+", "/", 1)
		tree := os.DirFS(dir)
		c.packages = []packageComparison{
			comparePackages("osv-scanner", theirs, ours, tree),
			comparePackages("Syft", syft, ours, tree),
		}
		all = append(all, c)
		lacks += len(c.missing)
		fmt.Printf("%-50s %5d of %5d findings of osv-scanner, %5d more\n", c.repository, c.both, c.both+len(c.missing), len(c.extra))
		for _, d := range c.missing {
			fmt.Printf("  missing: %s %s %s %s: %s\n", d.file, d.name, d.version, d.ids[0], d.class)
		}
		for _, p := range c.packages {
			lacks += p.notExplained
			for _, d := range slices.Concat(p.missing, p.extra) {
				if d.class == unexplained {
					fmt.Printf("  %s: not explained: %s %s %s %s\n", p.peer, d.file, d.ecosystem, d.name, d.version)
				}
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			return 0, err
		}
	}
	return lacks, errors.Join(
		peers.Replace(opts.document, "make compare", render(all)),
		peers.Replace(opts.document, "make compare, packages", renderPackages(all)),
	)
}

func theirScan(ctx context.Context, bin, database, dir string) (*scan, error) {
	// 1 is its exit code for findings. --all-vulns keeps what it thinks unimportant, --all-packages lists the rest.
	out, _, err := peers.Run(peers.OSVScannerCommand(ctx, bin, database, dir, "--all-packages", "--all-vulns"), 1)
	if err != nil {
		return nil, err
	}
	return parseTheirs(bytes.NewReader(out), dir)
}

func syftScan(ctx context.Context, bin, dir string) (*scan, error) {
	out, _, err := peers.Run(peers.SyftCommand(ctx, bin, dir, "syft-json", "SYFT_JAVASCRIPT_INCLUDE_DEV_DEPENDENCIES=true"))
	if err != nil {
		return nil, err
	}
	return parseSyft(bytes.NewReader(out))
}

func ourScan(ctx context.Context, bin, bucket, dir string) (*scan, error) {
	out, _, err := peers.Run(exec.CommandContext(ctx, bin, "scan", dir, "--offline", "--db", bucket, "--fail-on", "none", "-o", "json", "--quiet"))
	if err != nil {
		return nil, err
	}
	return parseOurs(json.NewDecoder(bytes.NewReader(out)))
}
