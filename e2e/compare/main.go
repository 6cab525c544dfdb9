// Command compare sets what trifecta finds against what osv-scanner finds, on real repositories and with the same
// database, and writes the tables of docs/comparison.md. It ends with 1 where osv-scanner finds something that trifecta
// does not. Run it with `make compare`.
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
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/peers"
)

func main() {
	var opts options
	flag.StringVar(&opts.shared, "shared", cmp.Or(os.Getenv("TRIFECTA_SHARED"), filepath.Join("..", "shared")), "folder with corpus/*.tar.gz and osv/, the database")
	flag.StringVar(&opts.trifecta, "trifecta", filepath.Join("bin", "trifecta"), "the program to judge")
	flag.StringVar(&opts.osvScanner, "osv-scanner", "", "the program to judge by (default: built from "+peers.OSVScanner+")")
	flag.StringVar(&opts.document, "document", filepath.Join("docs", "comparison.md"), "the document to write into")
	flag.Parse()
	missing, err := run(context.Background(), opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	if missing > 0 {
		os.Exit(1)
	}
}

type options struct {
	shared, trifecta, osvScanner, document string
}

// run compares every archive and returns how many findings of osv-scanner trifecta lacks.
func run(ctx context.Context, opts options) (missing int, err error) {
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
		ours, err := ourScan(ctx, opts.trifecta, bucket, dir)
		if err != nil {
			return 0, err
		}
		c := compare(theirs, ours)
		c.repository = strings.Replace(name, "+", "/", 1)
		all = append(all, c)
		missing += len(c.missing)
		fmt.Printf("%-50s %5d of %5d findings of osv-scanner, %5d more\n", c.repository, c.both, c.both+len(c.missing), len(c.extra))
		for _, d := range c.missing {
			fmt.Printf("  missing: %s %s %s %s: %s\n", d.file, d.name, d.version, d.ids[0], d.class)
		}
		if err := os.RemoveAll(dir); err != nil {
			return 0, err
		}
	}
	return missing, peers.Replace(opts.document, "make compare", render(all))
}

func theirScan(ctx context.Context, bin, database, dir string) (*scan, error) {
	// 1 is its exit code for findings. --all-vulns keeps what it thinks unimportant, --all-packages lists the rest.
	out, _, err := peers.Run(peers.OSVScannerCommand(ctx, bin, database, dir, "--all-packages", "--all-vulns"), 1)
	if err != nil {
		return nil, err
	}
	return parseTheirs(bytes.NewReader(out), dir)
}

func ourScan(ctx context.Context, bin, bucket, dir string) (*scan, error) {
	out, _, err := peers.Run(exec.CommandContext(ctx, bin, "scan", dir, "--offline", "--db", bucket, "--fail-on", "none", "-o", "json", "--quiet"))
	if err != nil {
		return nil, err
	}
	return parseOurs(json.NewDecoder(bytes.NewReader(out)))
}
