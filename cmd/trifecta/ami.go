package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/internal/disk"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/sbom"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/ami"
)

// imageID is what AWS calls a machine image.
var imageID = regexp.MustCompile(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

// amiOptions are the flags of ami.
type amiOptions struct {
	scanOptions
	region string
	id     string
}

func (a *app) amiCommand() *cobra.Command {
	var opts amiOptions
	cmd := &cobra.Command{
		Use:   "ami ID|FILE",
		Short: "Lists what is installed in a machine image, and its vulnerabilities",
		Long: `ami reads the file systems of a machine image without mounting them: of a file that is a raw disk,
qcow2, VMDK, VHD or OVA, or of an AMI, whose snapshots it reads through the EBS direct APIs block by
block. Nothing in the image is run.`,
		Example: `  trifecta ami disk.qcow2 --offline --db advisories
  trifecta ami ami-0123456789abcdef0 --region eu-west-1 --fail-on critical
  trifecta ami golden.ova --id ami-0123456789abcdef0 -o cyclonedx=golden.cdx.json
  trifecta scan . --sbom golden.cdx.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runAMI(cmd.Context(), args[0], &opts)
		},
	}
	f := cmd.Flags()
	registerOutput(cmd, &opts.outputs, report.Names())
	f.StringSliceVar(&opts.failOn, "fail-on", nil, "what makes the exit code 1: any in `LIST` of critical, high, medium, low, unknown, act, attend, none; a severity or tier means that or higher (default high)")
	f.BoolVar(&opts.offline, "offline", false, "open no socket; what could not be looked up is a notice")
	f.StringVar(&opts.db, "db", "", "advisories: an index `FILE`, or a folder in the layout of the public OSV bucket")
	f.StringVar(&opts.intel, "intel", "", "`DIR` with KEV, EPSS and end-of-life data (default: beside or inside the advisories)")
	f.StringVar(&opts.asOf, "as-of", "", "the `DATE` by which ages and expiries are judged (default today)")
	f.StringVar(&opts.config, "config", "", "configuration `FILE`; an image has none of its own")
	f.BoolVar(&opts.strict, "strict", false, "exit with 3 when a part could not be looked at")
	f.StringVar(&opts.region, "region", "", "the `REGION` of an AMI (default AWS_REGION or the shared configuration)")
	f.StringVar(&opts.id, "id", "", "the AMI `ID` that a file is of, by which scan --sbom knows what starts from it")
	return cmd
}

// runAMI reads a machine image, writes the reports and turns the findings into an exit code.
func (a *app) runAMI(ctx context.Context, name string, opts *amiOptions) error {
	outputs, err := report.ParseOutputs(opts.outputs)
	if err != nil {
		return usage("", "%w", err)
	}
	if _, err := scanner.ParseFailOn(opts.failOn); err != nil {
		return usage("", "--fail-on: %w", err)
	}
	if opts.id != "" && !imageID.MatchString(opts.id) {
		return usage("", "--id wants the id of an AMI, not %q", opts.id)
	}
	res, cfg, err := a.openedImage(ctx, name, opts)
	if err != nil {
		return err
	}
	if err := a.write(outputs, res); err != nil {
		return err
	}
	failOn, err := decide(opts.failOn, cfg.FailOn, []string{string(scanner.High)})
	if err != nil {
		return err
	}
	return a.verdict(res, failOn, opts.strict)
}

// openedImage returns the result of one machine image, which is a file or an AMI of an account.
func (a *app) openedImage(ctx context.Context, name string, opts *amiOptions) (*scanner.Result, *config.Config, error) {
	shown := a.progress()
	defer shown.step("")
	var disks []*disk.Image
	id := opts.id
	failed := func() error { return nil }
	if imageID.MatchString(name) {
		var err error
		if disks, failed, err = a.openAMI(ctx, name, opts, shown); err != nil {
			return nil, nil, err
		}
		id = name
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, usage("name a file, or the id of an AMI", "%w", unreadable(err))
		}
		defer func() { _ = f.Close() }() // it was only read
		if disks, err = diskFile(f); err != nil {
			return nil, nil, &exitError{code: exitUnable, err: fmt.Errorf("%s: %w", name, err)}
		}
	}
	shown.step("reading " + name)
	var volumes []*disk.Volume
	for i, d := range disks {
		found, err := disk.Volumes(d, d.Size, i)
		if err != nil {
			return nil, nil, &exitError{code: exitUnable, err: fmt.Errorf("%s: %w", name, err)}
		}
		volumes = append(volumes, found...)
	}
	root, err := disk.NewRoot(volumes)
	if err != nil {
		return nil, nil, &exitError{code: exitUnable, err: fmt.Errorf("%s: %w", name, err)}
	}
	var notices []inventory.Notice
	for _, n := range root.Notes {
		notices = append(notices, inventory.Notice{Code: n.Code, Message: n.Message})
	}
	res, cfg, err := a.system(ctx, system{name: name, id: id, kind: scanner.MachineTarget, fsys: root, notices: notices}, &opts.scanOptions, shown)
	if lost := failed(); lost != nil {
		return nil, nil, &exitError{code: exitUnable, err: lost}
	}
	return res, cfg, err
}

// diskFile opens the disks in a file.
func diskFile(f *os.File) ([]*disk.Image, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("it is a folder; trifecta scan reads folders")
	}
	return disk.Open(f, info.Size())
}

// system is the root file system of an image.
type system struct {
	name    string // as the user calls it
	id      string // of the AMI; empty where it is not known
	kind    string // of the target
	digest  string // of a container image
	fsys    fs.FS
	notices []inventory.Notice
}

// systemLimits are those of a machine: databases of packages are larger than files that people write.
var systemLimits = inventory.Limits{FileSize: 256 << 20, Files: inventory.DefaultLimits.Files, Depth: inventory.DefaultLimits.Depth}

// system is the pipeline of an image: tree, packages, what is known of them.
func (a *app) system(ctx context.Context, s system, opts *scanOptions, shown progress) (*scanner.Result, *config.Config, error) {
	started := time.Now()
	asOf, err := a.asOf(opts.asOf, started)
	if err != nil {
		return nil, nil, err
	}
	cfg := &config.Config{}
	if opts.config != "" {
		if cfg, _, err = decisions(".", nil, opts); err != nil {
			return nil, nil, err
		}
	}
	tree, err := inventory.NewSystem(ctx, s.fsys, systemLimits, cfg.Skip.Paths...)
	if err != nil {
		return nil, nil, &exitError{code: exitUnable, err: fmt.Errorf("%s: %w", s.name, err)}
	}
	system := s.reference(tree)
	var data advisories
	var scanners []scanner.Scanner
	if !opts.noMatch {
		if data, err = a.advisories(ctx, ".", cfg, opts); err != nil {
			return nil, nil, err
		}
		defer func() { _ = data.Close() }() // it was only read
		scanners = []scanner.Scanner{data.scanner, ami.Scanner{References: []machine.Reference{system}, Model: &aws.Model{}, Intel: data.scanner.Intel, AsOf: asOf}}
	}
	p := pipeline{
		sources: []inventory.Source{sbom.Source{}}, scanners: scanners, cfg: cfg, asOf: asOf, noMatch: opts.noMatch,
		looksAt: func(part string) bool { return part == "dependencies" }, shown: shown,
		quick: true, // what a machine's programs import is not analysed
	}
	shown.step("reading what is installed in " + s.name)
	res, _, err := p.run(ctx, tree, append(data.notices, s.notices...))
	if err != nil {
		return nil, nil, err
	}
	cfg.Apply(res, asOf, nil, nil)
	if !slices.ContainsFunc(res.Packages, ofDistribution) {
		res.Notices = append(res.Notices, inventory.Notice{
			Code: "no-distribution-packages", Message: "no database of dpkg, apk or rpm was read, so that what the distribution installed is not known",
		})
	}
	res.Tool = scanner.Tool{Name: "trifecta", Version: version, Commit: builtFrom()}
	res.Target = scanner.Target{Path: s.targetName(), Kind: s.kind, Digest: s.digest}
	res.Run.Offline = opts.offline
	res.Run.AsOf = asOf.Format(time.DateOnly)
	data.describe(&res.Run)
	res.Notices = slices.Concat(res.Notices, data.stale(asOf))
	inventory.SortNotices(res.Notices)
	res.Run.StartedAt = started.UTC().Format(time.RFC3339)
	res.Run.DurationMS = time.Since(started).Milliseconds()
	return res, cfg, nil
}

// ofDistribution reports whether a package is one that the system's own package manager installed.
func ofDistribution(p inventory.Package) bool {
	return strings.HasPrefix(p.PURL, "pkg:deb/") || strings.HasPrefix(p.PURL, "pkg:apk/") || strings.HasPrefix(p.PURL, "pkg:rpm/")
}

func (s *system) targetName() string {
	if s.id != "" {
		return s.id
	}
	return filepath.ToSlash(filepath.Clean(s.name))
}

// reference says which system the image carries, in the words of the references that code has.
func (s *system) reference(tree *inventory.Tree) machine.Reference {
	r := machine.Reference{MachineImage: inventory.MachineImage{ID: inventory.ID(s.targetName()), Form: machine.Opened, Locations: []inventory.Location{}, Workloads: []inventory.ID{}}}
	found, err := ecosystem.ReadOS(tree)
	if found.ID == "" {
		return r
	}
	r.System = machine.SystemOfRelease(found.ID, found.VersionID, found.Name)
	r.Name = cmp.Or(found.Name, r.System.Name)
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if tree.Has(name) {
			r.Locations = append(r.Locations, inventory.Location{Path: name})
			break
		}
	}
	if err != nil && found.Ecosystem == nil {
		s.notices = append(s.notices, inventory.Notice{
			Code: "distribution-unknown", Message: fmt.Sprintf("%v, so that its own packages are not read", err),
		})
	}
	return r
}
