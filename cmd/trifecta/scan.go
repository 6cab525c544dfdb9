package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/intel"
	"github.com/trifecta-scanner/trifecta/internal/confine"
	"github.com/trifecta-scanner/trifecta/internal/git"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/sbom"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/infra"
)

// scanOptions are the flags that scan and ci share.
type scanOptions struct {
	outputs []string
	failOn  []string
	only    []string
	skip    []string
	offline bool
	db      string
	intel   string
	asOf    string
	config  string
	base    string
	sboms   []string
	// What infrastructure is evaluated with.
	varFiles []string // of Terraform
	vars     []string // likewise, as NAME=VALUE
	params   []string // of CloudFormation, as NAME=VALUE
	values   []string // of Helm
	// environments are those that infrastructure is judged for; none for all.
	environments []string
	called       bool // analyse calls of Go modules
	// What AWS is asked, or was.
	aws         bool
	awsSnapshot string
	// proposal says that the tree is what somebody proposes, in a pull request: the base decides how it is judged.
	proposal bool
	// baseOptional says that the scan goes on where the clone lacks the base.
	baseOptional bool
	strict       bool
	// sealed says that the process gives up the system calls that a scan does not need, before it reads anything.
	sealed bool
	// memoryReadOnly says that nothing of this tree is kept for later scans, because strangers wrote it.
	memoryReadOnly bool
	// then is called with the scan before it is closed.
	then func(context.Context, *session) error
	// noMatch makes the inventory alone: sbom looks nothing up.
	noMatch bool
	// noBaseline leaves the recorded findings of the tree aside.
	noBaseline bool
	// failOnDefault is what counts where neither the flag nor the configuration says it.
	failOnDefault []string
}

// parts are what a scan can look at, as --only and --skip name them.
var parts = []string{"dependencies", "infrastructure", "network", "images", "amis", "secrets", "licenses"}

// register adds the flags of scan.
func (o *scanOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	registerOutput(cmd, &o.outputs, report.Names())
	o.registerInputs(cmd)
	f.StringSliceVar(&o.failOn, "fail-on", nil, "what makes the exit code 1: any in `LIST` of critical, high, medium, low, unknown, act, attend, none; a severity or tier means that or higher (default high; none for ci)")
	f.StringSliceVar(&o.failOnDefault, "fail-on-default", []string{string(scanner.High)}, "for the scan that ci starts")
	_ = f.MarkHidden("fail-on-default") // a flag that is not there would be a mistake above
	f.StringVar(&o.base, "base", "", "say what is new since `REF`: a git revision, or the file of a saved result")
	f.BoolVar(&o.proposal, "proposal", false, "take the configuration from the base")
	f.BoolVar(&o.baseOptional, "base-optional", false, "go on where the clone lacks the base")
	f.BoolVar(&o.sealed, "sealed", false, "give up the system calls that a scan does not need")
	f.BoolVar(&o.memoryReadOnly, "cache-read-only", false, "keep nothing for later scans")
	for _, name := range []string{"proposal", "base-optional", "sealed", "cache-read-only"} {
		_ = f.MarkHidden(name) // ci sets them; a flag that is not there would be a mistake above
	}
	f.BoolVar(&o.strict, "strict", false, "exit with 3 when a part could not be looked at")
}

// registerInputs adds the flags that say what is looked at and with which data; explain and graph take them too.
func (o *scanOptions) registerInputs(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "only", nil, "look at these `PARTS` alone: "+strings.Join(parts, ", "))
	f.StringSliceVar(&o.skip, "skip", nil, "leave these `PARTS` out")
	f.BoolVar(&o.offline, "offline", false, "open no socket; what could not be looked up is a notice")
	f.StringVar(&o.db, "db", "", "advisories: an index `FILE`, or a folder in the layout of the public OSV bucket")
	f.StringVar(&o.intel, "intel", "", "`DIR` with KEV, EPSS and end-of-life data (default: beside or inside the advisories)")
	f.StringVar(&o.asOf, "as-of", "", "the `DATE` by which ages and expiries are judged (default today)")
	f.StringVar(&o.config, "config", "", "configuration `FILE` (default DIR/"+config.FileName+")")
	f.StringArrayVar(&o.sboms, "sbom", nil, "also match the packages of this bill of materials: CycloneDX or SPDX `FILE`; repeatable")
	f.StringArrayVar(&o.varFiles, "var-file", nil, "Terraform variables from `FILE`; repeatable")
	f.StringArrayVar(&o.vars, "var", nil, "a Terraform variable as `NAME=VALUE`; repeatable")
	f.StringArrayVar(&o.params, "param", nil, "a CloudFormation parameter as `NAME=VALUE`; repeatable")
	f.BoolVar(&o.called, "called", false, "analyse which vulnerable functions Go code calls; runs the go command over the tree, so only for trees that you trust")
	f.BoolVar(&o.aws, "aws", false, "ask AWS, read-only, about the machine images that the code names")
	f.StringVar(&o.awsSnapshot, "aws-snapshot", "", "with --aws write what AWS answers to `FILE`, without it judge by that file")
	f.StringArrayVar(&o.values, "values", nil, "Helm values from `FILE`; repeatable")
	f.StringSliceVar(&o.environments, "environment", nil, "judge infrastructure for the environment `NAME` alone; several with commas")
	for _, name := range []string{"db", "intel"} {
		_ = cmd.MarkFlagDirname(name) // a completion hint: a flag that is not there would be a mistake above
	}
}

func (a *app) scanCommand() *cobra.Command {
	var opts scanOptions
	cmd := &cobra.Command{
		Use:   "scan [DIR]",
		Short: "Scans a repository: inventory, match, check, rank, report",
		Long: `scan says first what a stranger on the internet can reach and exploit, then what is wrong, worst first, each on the
line that causes it. Without --offline and without a database of advisories, names and versions of public
packages go to the OSV API, and nothing else.

Exit codes: 0 nothing that --fail-on names, 1 findings, 2 wrong usage or configuration, 3 the scan could not be
finished.`,
		Example: `  trifecta scan
  trifecta scan . --offline --db advisories --fail-on critical,act
  trifecta scan web -o text -o sarif=web.sarif -o cyclonedx=web.cdx.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.runScan(cmd.Context(), dir, &opts)
		},
	}
	opts.register(cmd)
	return cmd
}

// runScan scans, writes the reports and turns the findings into an exit code.
func (a *app) runScan(ctx context.Context, dir string, opts *scanOptions) error {
	outputs, err := report.ParseOutputs(opts.outputs)
	if err != nil {
		return usage("", "%w", err)
	}
	if _, err := scanner.ParseFailOn(opts.failOn); err != nil {
		return usage("", "--fail-on: %w", err)
	}
	if opts.sealed {
		if err := confine.Seal(confine.Calls{Network: !opts.offline}); err != nil {
			a.say("the scan may make every system call: %v", err)
		}
	}
	done, err := a.scan(ctx, dir, opts)
	if err != nil {
		return err
	}
	if err := a.write(outputs, done.res); err != nil {
		return err
	}
	failOn, err := decide(opts.failOn, done.cfg.FailOn, opts.failOnDefault)
	if err != nil {
		return err
	}
	return a.verdict(done.res, failOn, opts.strict)
}

// decide takes the first list that names anything: the flag's, the configuration's, the default.
func decide(lists ...[]string) (scanner.FailOn, error) {
	for _, list := range lists {
		if len(list) > 0 {
			failOn, err := scanner.ParseFailOn(list)
			if err != nil {
				return failOn, usage("", "fail_on: %w", err)
			}
			return failOn, nil
		}
	}
	return scanner.FailOn{}, nil
}

// scanned is what one scan leaves behind.
type scanned struct {
	res   *scanner.Result
	cfg   *config.Config
	world *world
}

// scan is the pipeline: tree, inventory, findings, decisions of the team.
func (a *app) scan(ctx context.Context, dir string, opts *scanOptions) (*scanned, error) {
	started := time.Now()
	asOf, err := a.asOf(opts.asOf, started)
	if err != nil {
		return nil, err
	}
	since, missing, err := a.since(dir, opts)
	if err != nil {
		return nil, err
	}
	cfg, proposed, err := decisions(dir, since, opts)
	if err != nil {
		return nil, err
	}
	looksAt, err := opts.looksAt(cfg)
	if err != nil {
		return nil, err
	}

	shown := a.progress()
	defer shown.step("")
	shown.step("reading " + dir)
	tree, err := inventory.OpenTree(ctx, dir, inventory.Limits{}, cfg.Skip.Paths...)
	if err != nil {
		return nil, &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = tree.Close() }() // it was only read

	memory, unusable := a.openMemory(dir, opts.memoryReadOnly)
	defer func() { _ = memory.Close() }() // what can't be made smaller now is made smaller the next time
	var p pipeline
	var data advisories
	licenses, err := licensePolicy(cfg, looksAt)
	if err != nil {
		return nil, err
	}
	if looksAt("dependencies") || licenses != nil {
		source := sbom.Source{Memory: memory}
		if since != nil || opts.then != nil {
			source.Cache = new(sbom.Cache)
		}
		p.sources = append(p.sources, source)
		given, err := readBills(opts.sboms)
		if err != nil {
			return nil, err
		}
		p.sources = append(p.sources, given...)
	}
	if !opts.noMatch && (looksAt("dependencies") || looksAt("amis")) { // with the advisories come the ends of life
		if data, err = a.advisories(ctx, dir, cfg, opts); err != nil {
			return nil, err
		}
		defer func() { _ = data.Close() }() // it was only read
	}
	if !opts.noMatch && looksAt("dependencies") {
		p.scanners = append(p.scanners, data.scanner)
	}
	declared, err := opts.infrastructure(dir, cfg, memory, looksAt)
	if err != nil {
		return nil, err
	}
	p.sources = append(p.sources, declared...)
	if looksAt("infrastructure") && !opts.noMatch {
		p.scanners = append(p.scanners, &infra.Scanner{ReadFile: tree.ReadFile})
	}
	if licenses != nil && !opts.noMatch {
		p.scanners = append(p.scanners, licenses)
	}
	judge := judge{cfg: cfg, asOf: asOf, proposed: proposed}
	if err := judge.read(ctx, tree, since); err != nil {
		return nil, err
	}
	if looksAt("amis") && !opts.noMatch {
		if p.account, err = a.account(opts); err != nil {
			return nil, err
		}
	}
	p.shown, p.cfg, p.looksAt, p.noMatch, p.asOf = shown, cfg, looksAt, opts.noMatch, asOf
	p.environments = opts.environments
	if opts.called && data.scanner != nil && data.scanner.DB != nil {
		p.calls = func(ctx context.Context, res *scanner.Result) { a.callAnalysis(ctx, dir, opts, data.scanner.DB, res) }
	}
	if data.scanner != nil {
		p.intel = data.scanner.Intel
	}
	if since != nil {
		for i, s := range p.scanners {
			p.scanners[i] = &repeating{Scanner: s}
		}
	}

	res, world, err := p.run(ctx, tree, slices.Concat(notLookedAt(tree, looksAt), data.notices, missing))
	if err != nil {
		return nil, err
	}
	if err := checkEnvironments(opts.environments, cfg, world.resources, world.left); err != nil {
		return nil, err
	}
	comments := judge.readComments(cfg, tree, res)
	var bases []*scanner.Result
	if since != nil {
		if bases, err = since.results(ctx, &p, &judge); err != nil {
			return nil, err
		}
	}
	judge.head(tree, res, comments, bases)
	if opts.partial() {
		res.Notices = slices.DeleteFunc(res.Notices, func(n inventory.Notice) bool { return n.Code == config.UnusedNotice })
	}
	switch {
	case since != nil:
		res.Compare(bases...)
	case !opts.proposal && !opts.noBaseline:
		applyBaseline(tree, res)
	}
	res.Tool = scanner.Tool{Name: "trifecta", Version: version, Commit: builtFrom()}
	res.Target = target(ctx, dir)
	res.Run.Offline = opts.offline
	res.Run.AsOf = asOf.Format(time.DateOnly)
	res.Run.Skipped = slices.DeleteFunc(slices.Clone(parts), looksAt)
	data.describe(&res.Run)
	res.Notices = append(res.Notices, slices.Concat(data.stale(asOf), unusable, memory.Notices())...) // never null: Concat of nothing is
	inventory.SortNotices(res.Notices)
	res.Run.StartedAt = started.UTC().Format(time.RFC3339)
	res.Run.DurationMS = time.Since(started).Milliseconds()
	if opts.then != nil {
		again := func(ctx context.Context, tree *inventory.Tree) (*scanner.Result, error) {
			res, _, err := p.run(ctx, tree, nil)
			if err == nil {
				judge.base(tree, res)
			}
			return res, err
		}
		if err := opts.then(ctx, &session{tree: tree, res: res, cfg: cfg, data: data, again: again, images: p.account.hasAnswers()}); err != nil {
			return nil, err
		}
	}
	return &scanned{res, cfg, world}, nil
}

// session is a scan that is not closed yet: whoever changes the tree can look at it again in the same way.
type session struct {
	tree  *inventory.Tree
	res   *scanner.Result
	cfg   *config.Config
	data  advisories
	again fix.Judge
	// images says that AWS was asked about machine images, or a snapshot of its answers was read.
	images bool
}

// pipeline is what is done to a tree, whether it is the one on disk or the one of a commit.
type pipeline struct {
	sources  []inventory.Source
	scanners []scanner.Scanner
	cfg      *config.Config
	looksAt  func(part string) bool
	noMatch  bool
	asOf     time.Time
	intel    *intel.Data
	account  *account // what AWS is asked; nil for nothing
	// calls analyses calls, where that is asked for.
	calls func(context.Context, *scanner.Result)
	shown progress
	// quick leaves out what refines the rank and does not change what is found: of a base only that is asked.
	quick bool
	// environments are those that are judged; none for all.
	environments []string
}

// run makes the result of one tree, and the world that it declares. notices are what is known not to be looked at.
func (p *pipeline) run(ctx context.Context, tree *inventory.Tree, notices []inventory.Notice) (*scanner.Result, *world, error) {
	inv, err := inventory.Read(ctx, tree, p.sources...)
	if err != nil {
		return nil, nil, &exitError{code: exitUnable, err: err}
	}
	inv.Notices = append(inv.Notices, notices...)
	left := onlyEnvironments(inv, p.environments)
	world := newWorld(tree, inv, p)
	world.left = left
	known, unknown, err := p.account.look(ctx, world)
	if err != nil {
		return nil, nil, err
	}
	world.known = known
	inv.Notices = append(inv.Notices, unknown...)
	p.shown.step(fmt.Sprintf("matching %s", plural(len(inv.Packages), "package")))
	res, err := scanner.Collect(ctx, inv, slices.Concat(p.scanners, world.scanners(tree, p))...)
	if err != nil {
		return nil, nil, &exitError{code: exitUnable, err: err}
	}
	world.weigh(res)
	if !p.quick {
		called(ctx, tree, res)
		if p.calls != nil {
			p.calls(ctx, res)
		}
	}
	res.Rank()
	world.conclude(res)
	return res, world, nil
}

// asOf returns the day by which ages and expiries are judged: the flag's, that of SOURCE_DATE_EPOCH, today
// (https://reproducible-builds.org/specs/source-date-epoch/).
func (a *app) asOf(flag string, now time.Time) (time.Time, error) {
	if flag != "" {
		day, err := time.Parse(time.DateOnly, flag)
		if err != nil {
			return time.Time{}, usage("", "--as-of wants a day such as 2026-12-31, not %q", flag)
		}
		return day, nil
	}
	if epoch := a.getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return time.Time{}, usage("", "SOURCE_DATE_EPOCH wants seconds since 1970, not %q", epoch)
		}
		now = time.Unix(seconds, 0)
	}
	return now.UTC().Truncate(24 * time.Hour), nil
}

// registerOutput adds the flag that names the reports to write.
func registerOutput(cmd *cobra.Command, specs *[]string, formats []string) {
	cmd.Flags().StringArrayVarP(specs, "output", "o", nil, "report to write as `FORMAT[=FILE]`; repeatable; formats: "+strings.Join(formats, ", "))
}

// partial reports whether the flags leave something out that another scan of the same tree would find.
func (o *scanOptions) partial() bool {
	return o.noMatch || len(o.only) > 0 || len(o.skip) > 0 || len(o.environments) > 0
}

// looksAt returns whether a part is looked at, by the flags and the configuration.
func (o *scanOptions) looksAt(cfg *config.Config) (func(part string) bool, error) {
	for _, list := range []struct {
		name  string
		parts []string
	}{{"--only", o.only}, {"--skip", o.skip}, {"skip.scanners", cfg.Skip.Scanners}} {
		for _, part := range list.parts {
			if !slices.Contains(parts, part) {
				return nil, usage("", "%s: %q is no part of a scan; use any of %s", list.name, part, strings.Join(parts, ", "))
			}
		}
	}
	return func(part string) bool {
		if slices.Contains(o.skip, part) || slices.Contains(cfg.Skip.Scanners, part) {
			return false
		}
		return len(o.only) == 0 || slices.Contains(o.only, part)
	}, nil
}

// target says what is scanned. A repository that can't be read is a target without a commit.
func target(ctx context.Context, dir string) scanner.Target {
	head, err := git.ReadHead(dir)
	if err != nil {
		slog.DebugContext(ctx, "read the head of the repository", "error", err)
	}
	return scanner.Target{Path: filepath.ToSlash(filepath.Clean(dir)), Repository: head.Repository, Ref: head.Ref, Commit: head.Commit}
}

// write writes every report. One that fails does not keep the others from being written.
func (a *app) write(outputs []report.Output, res *scanner.Result) error {
	opts := a.terminal()
	var failed error
	for _, output := range outputs {
		failed = errors.Join(failed, output.Write(a.out, res, opts))
	}
	if failed != nil {
		return &exitError{code: exitUnable, err: failed}
	}
	return nil
}

// verdict turns the result into the exit code and says on standard error what decided.
func (a *app) verdict(res *scanner.Result, failOn scanner.FailOn, strict bool) error {
	if n := failOn.Count(res); n > 0 {
		a.say("%s at or above %s: exit code %d", plural(n, "finding"), failOn, exitFindings)
		return &exitError{code: exitFindings}
	}
	if missed := incomplete(res.Notices); strict && missed > 0 {
		a.say("%s about parts that could not be looked at, and --strict: exit code %d", plural(missed, "notice"), exitUnable)
		return &exitError{code: exitUnable}
	}
	return nil
}

// informational are the codes of notices that speak of something other than a part that was not looked at.
var informational = slices.Concat(
	[]string{inventory.MemoryNotice, "advisories-stale", "end-of-life-snapshot", "configuration-proposed", "custom-resource-definitions", "image-ambiguous", baselineUnreadable, baselineOutdated, "licenses-unknown", environmentNotice},
	config.NoticeCodes, cloudformation.Assumptions,
)

func incomplete(notices []inventory.Notice) int {
	n := 0
	for _, notice := range notices {
		if !slices.Contains(informational, notice.Code) {
			n++
		}
	}
	return n
}

// say tells the user something that is no report.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		_, _ = fmt.Fprintf(a.err, "trifecta: "+format+"\n", args...) // nobody is left to tell
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
