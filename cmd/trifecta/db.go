package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/intel"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

func (a *app) dbCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Builds, updates and describes the index of advisories",
		Example: `  trifecta db update
  trifecta db build --from osv --out advisories.index --intel intel
  trifecta db status`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return usage("", "say what to do: build, update or status") },
	}
	cmd.AddCommand(a.dbBuildCommand(), a.dbUpdateCommand(), a.dbStatusCommand())
	return cmd
}

func (a *app) dbBuildCommand() *cobra.Command {
	var from, out, intelDir string
	var ecosystems []string
	cmd := &cobra.Command{
		Use:   "build --from DIR --out FILE",
		Short: "Compiles a folder of advisories into one index file",
		Long: `Compiles a folder in the layout of the public OSV bucket (<Ecosystem>/all.zip, or loose
<Ecosystem>/*.json) into one file that scans read in milliseconds. The same input gives the
same bytes. What can't be read is told here and by each scan that asks about it.`,
		Example: `  trifecta db build --from osv --out advisories.index --intel intel`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.dbBuild(cmd.Context(), from, out, intelDir, ecosystems)
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "`DIR` in the layout of the OSV bucket")
	f.StringVar(&out, "out", "", "the index `FILE` to write")
	f.StringVar(&intelDir, "intel", "", "`DIR` with KEV, EPSS and end-of-life data to carry along (default: beside or inside --from)")
	f.StringSliceVar(&ecosystems, "ecosystem", nil, "only these `ECOSYSTEMS`, named as OSV does")
	for _, name := range []string{"from", "out"} {
		_ = cmd.MarkFlagRequired(name) // a flag that is not there would be a mistake above
	}
	return cmd
}

func (a *app) dbBuild(ctx context.Context, from, out, intelDir string, ecosystems []string) error {
	if info, err := os.Stat(from); err != nil || !info.IsDir() {
		return usage("name a folder that exists", "--from: %s is not a folder", from)
	}
	started := time.Now()
	extra, err := compileIntel(cmp.Or(intelDir, intel.Find(from)))
	if err != nil {
		return err
	}
	shown := a.progress()
	shown.step("compiling " + from)
	err = advisory.BuildIndex(ctx, from, out, advisory.IndexOptions{Ecosystems: ecosystems, Extra: extra})
	shown.step("")
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	x, err := advisory.OpenIndex(out)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = x.Close() }() // it was only read
	for _, name := range slices.Sorted(maps.Keys(x.Ecosystems())) {
		switch e := x.Ecosystems()[name]; {
		case e.Broken != "":
			a.say("the archive of %s can't be read, and scans will say so: %s", name, e.Broken)
		case e.Unreadable > 0:
			a.say("%s of %s can't be read, and scans will say so; the first is %s", plural(e.Unreadable, "advisory record"), name, e.Example)
		}
	}
	if x.Info().Records == 0 {
		a.say("%s holds no advisories; it should have a folder for each ecosystem with all.zip in it", from)
	}
	a.say("%s: %s of %s in %.1f s, %.1f MB", out, plural(x.Info().Records, "advisory record"),
		plural(len(x.Ecosystems()), "ecosystem"), time.Since(started).Seconds(), float64(x.Size())/1e6)
	return nil
}

// compileIntel returns the intelligence of a folder as an index carries it; nothing if no folder is named.
func compileIntel(dir string) ([]byte, error) {
	if dir == "" {
		return nil, nil
	}
	data, _, err := intel.Open(dir)
	if err != nil {
		return nil, usage("", "--intel: %w", err)
	}
	defer func() { _ = data.Close() }() // it was only read
	blob, err := data.Compile()
	if err != nil {
		return nil, &exitError{code: exitUnable, err: fmt.Errorf("--intel: %s: %w", dir, err)}
	}
	return blob, nil
}

func (a *app) dbUpdateCommand() *cobra.Command {
	var path, intelDir string
	var ecosystems []string
	cmd := &cobra.Command{
		Use:   "update [DIR]",
		Short: "Brings the index of advisories up to date",
		Long: `Brings the index up to date with the public OSV bucket: the ecosystems that it has, and those
of the packages in DIR (default: the current folder) or those that --ecosystem names. Only what
changed since the last time is fetched, and an update that was ended goes on where it stopped.

The index is the file of --db, else TRIFECTA_DB, else one in the user's cache, where scans find
it. TRIFECTA_DB_URL names a mirror that serves a finished index, TRIFECTA_OSV_BUCKET another
bucket. HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are honoured.`,
		Example: `  trifecta db update
  trifecta db update --ecosystem npm,PyPI --db advisories.index`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.dbUpdate(cmd.Context(), dir, path, intelDir, ecosystems)
		},
	}
	f := cmd.Flags()
	f.StringVar(&path, "db", "", "the index `FILE`")
	f.StringVar(&intelDir, "intel", "", "`DIR` with KEV, EPSS and end-of-life data to carry along (default: what the index has)")
	f.StringSliceVar(&ecosystems, "ecosystem", nil, "these `ECOSYSTEMS`, named as OSV does, instead of those in DIR")
	return cmd
}

func (a *app) dbUpdate(ctx context.Context, dir, path, intelDir string, ecosystems []string) error {
	path, err := a.indexPath(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usage("trifecta db build makes an index of a folder", "%s is a folder; an update writes a file", path)
	}
	shown := a.progress()
	u := &advisory.Updater{
		Client: web.New(web.Options{UserAgent: "trifecta/" + version}),
		Bucket: a.getenv("TRIFECTA_OSV_BUCKET"),
		Progress: func(line string) {
			shown.step(line)
			if a.verbose {
				a.say("%s", line)
			}
		},
	}
	if intelDir != "" {
		if u.Extra, err = compileIntel(intelDir); err != nil {
			return err
		}
	}
	var report advisory.UpdateReport
	if mirror := a.getenv("TRIFECTA_DB_URL"); mirror != "" {
		report, err = u.Mirror(ctx, path, mirror)
	} else {
		if len(ecosystems) == 0 {
			if ecosystems, err = a.ecosystemsOf(ctx, dir); err != nil {
				return err
			}
		}
		if _, statErr := os.Stat(path); len(ecosystems) == 0 && errors.Is(statErr, fs.ErrNotExist) {
			return usage("name them with --ecosystem, or a folder with packages", "%s has no packages, so there are no ecosystems to fetch", dir)
		}
		report, err = u.Update(ctx, path, ecosystems...)
	}
	shown.step("")
	if err != nil {
		return &exitError{code: exitUnable, err: err, hint: "what was fetched is kept; run it again to go on"}
	}
	for _, name := range report.Missing {
		a.say("the bucket has no advisories of the ecosystem %s", name)
	}
	if report.Unchanged {
		a.say("%s is up to date", path)
		return nil
	}
	x, err := advisory.OpenIndex(path)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = x.Close() }() // it was only read
	a.say("%s: %s of %s, as of %s", path, plural(x.Info().Records, "advisory record"), plural(len(x.Ecosystems()), "ecosystem"), x.Info().AsOf)
	return nil
}

// indexPath returns the index that db update writes and db status describes.
func (a *app) indexPath(flag string) (string, error) {
	if path := cmp.Or(flag, a.getenv("TRIFECTA_DB")); path != "" {
		return path, nil
	}
	path, err := advisory.DefaultIndex()
	if err != nil {
		return "", usage("name the file with --db", "there is no cache folder for the index: %w", err)
	}
	return path, nil
}

// ecosystemsOf returns the ecosystems of the packages in a folder, as the bucket names them.
func (a *app) ecosystemsOf(ctx context.Context, dir string) ([]string, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, usage("name a folder that exists", "%s is not a folder", dir)
	}
	done, err := a.scan(ctx, dir, &scanOptions{only: []string{"dependencies"}, noMatch: true})
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	for _, p := range done.res.Packages {
		if base, _, _ := strings.Cut(p.Ecosystem, ":"); base != "" {
			found[base] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func (a *app) dbStatusCommand() *cobra.Command {
	var path, format string
	var cacheKey, verify bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Says how old the index of advisories is and what is in it",
		Example: `  trifecta db status
  trifecta db status --cache-key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := a.indexPath(path)
			if err != nil {
				return err
			}
			return a.dbStatus(path, format, cacheKey, verify)
		},
	}
	f := cmd.Flags()
	f.StringVar(&path, "db", "", "the index `FILE` (default: TRIFECTA_DB, else the one in the user's cache)")
	f.BoolVar(&cacheKey, "cache-key", false, "print only a name for the content of the index, for the caches of CI")
	f.BoolVar(&verify, "verify", false, "read the whole file and compare its checksums")
	f.StringVar(&format, "format", "text", "`text|json`")
	return cmd
}

// cacheKeyPrefix begins every cache key: a cache that is restored by it brings an index to go on from.
const cacheKeyPrefix = "trifecta-advisories-v1"

// dbStatusReport is what db status says, and its JSON form.
type dbStatusReport struct {
	Path       string                            `json:"path"`
	Bytes      int64                             `json:"bytes"`
	AsOf       string                            `json:"as_of"`
	AgeDays    int                               `json:"age_days"`
	Digest     string                            `json:"digest"`
	CacheKey   string                            `json:"cache_key"`
	Source     string                            `json:"source,omitempty"`
	Records    int                               `json:"records"`
	Packages   int                               `json:"packages"`
	Ecosystems map[string]advisory.EcosystemInfo `json:"ecosystems"`
	Intel      *intel.Info                       `json:"intel,omitempty"`
}

func (a *app) dbStatus(path, format string, cacheKey, verify bool) error {
	if format != "text" && format != "json" {
		return usage("", "--format wants text or json, not %q", format)
	}
	x, err := advisory.OpenIndex(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && cacheKey:
		// Nothing is there to name yet; the key restores whatever was saved last.
		_, err := fmt.Fprintln(a.out, cacheKeyPrefix)
		return err
	case errors.Is(err, fs.ErrNotExist):
		return usage("trifecta db update makes one", "there is no index at %s", path)
	case err != nil:
		return &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = x.Close() }() // it was only read
	if verify {
		if err := x.Verify(); err != nil {
			return &exitError{code: exitUnable, err: err}
		}
	}
	today, err := a.asOf("", time.Now())
	if err != nil {
		return err
	}
	info := x.Info()
	s := dbStatusReport{
		Path: filepath.ToSlash(path), Bytes: x.Size(), AsOf: info.AsOf, AgeDays: ageInDays(info.AsOf, today), Digest: info.Digest,
		Source: x.Origin(), Records: info.Records, Packages: x.Packages(), Ecosystems: x.Ecosystems(),
	}
	day, _, _ := strings.Cut(info.AsOf, "T")
	s.CacheKey = strings.Join([]string{cacheKeyPrefix, cmp.Or(day, "empty"), x.Sum()}, "-")
	if cacheKey {
		_, err := fmt.Fprintln(a.out, s.CacheKey)
		return err
	}
	data, _, err := indexIntel(x, path)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	if data != nil {
		i := data.Info()
		s.Intel = &i
	}
	if format == "json" {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	return s.print(a)
}

func (s *dbStatusReport) print(a *app) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "index\t%s (%.1f MB)\n", s.Path, float64(s.Bytes)/1e6)
	fmt.Fprintf(w, "as of\t%s (%s ago)\n", cmp.Or(s.AsOf, "unknown"), plural(s.AgeDays, "day"))
	if s.Source != "" {
		fmt.Fprintf(w, "source\t%s\n", s.Source)
	}
	fmt.Fprintf(w, "records\t%d, about %s of %s\n", s.Records, plural(s.Packages, "package"), plural(len(s.Ecosystems), "ecosystem"))
	if s.Intel != nil {
		fmt.Fprintf(w, "intelligence\tas of %s, %s\n", cmp.Or(s.Intel.AsOf, "unknown"), plural(s.Intel.Count, "rating"))
	} else {
		fmt.Fprintf(w, "intelligence\tnone\n")
	}
	fmt.Fprintf(w, "digest\t%s\n\n", s.Digest)
	for _, name := range slices.Sorted(maps.Keys(s.Ecosystems)) {
		e := s.Ecosystems[name]
		note := ""
		switch {
		case e.Broken != "":
			note = "archive unreadable: " + e.Broken
		case e.Unreadable > 0:
			note = fmt.Sprintf("%d unreadable", e.Unreadable)
		case e.Until != "":
			note = "until " + e.Until
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", name, e.Records, note)
	}
	return w.Flush()
}

// indexIntel returns the intelligence that an index carries; nil where it carries none.
func indexIntel(x *advisory.Index, path string) (*intel.Data, []inventory.Notice, error) {
	size, read := x.Extra()
	if size == 0 {
		return nil, nil, nil
	}
	return intel.FromCompiled(size, path, read)
}

// ageInDays returns how many days lie between a time of RFC 3339 and a day; 0 where that is not known.
func ageInDays(asOf string, today time.Time) int {
	t, err := time.Parse(time.RFC3339Nano, asOf)
	if err != nil || t.After(today) {
		return 0
	}
	return int(today.Sub(t.UTC().Truncate(24*time.Hour)).Hours() / 24)
}
