package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trifecta-scanner/trifecta/report"
)

// ciOptions are what ci can do on top of scan.
type ciOptions struct {
	scan        scanOptions
	summary     bool
	annotations bool
	sarifFile   string
	sbomFile    string

	comment            bool
	suggestions        bool
	uploadSARIF        bool
	check              bool
	dependencySnapshot bool
	issue              bool
	from               string

	fix      fixMode
	fixLimit int
}

// pathInput is the input that stands for the argument of ci; every other input is a flag of the same name.
const pathInput = "path"

// ciInputs are the flags that an input of the action may set, through the variable that inputVariable names.
var ciInputs = []string{
	"config", "fail-on", "base", "only", "skip", "environment", "offline", "aws", "strict", "db", "intel", "as-of",
	"summary", "annotations", "sarif-file", "sbom-file", "comment", "suggestions", "upload-sarif", "check",
	"dependency-snapshot", "issue", "from", "fix", "fix-limit",
}

// withoutBase is the value of --base that turns the comparison off.
const withoutBase = "none"

// inputVariable returns the variable that carries an input of the action: INPUT_FAIL_ON for fail-on.
func inputVariable(input string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(input, "-", "_"))
}

func (a *app) ciCommand() *cobra.Command {
	opts := ciOptions{fix: fixNone}
	cmd := &cobra.Command{
		Use:   "ci [DIR]",
		Short: "Scans in a pipeline and publishes there: what action.yml and the GitLab template call",
		Long: `ci runs in GitHub Actions and in GitLab's pipelines. It scans DIR (default: the working directory) and
publishes the result on the platform. On GitHub: annotations on the lines of the findings, the step summary,
the outputs of the step and the files of the result. On GitLab: the report files that the job hands over as
artifacts, and with TRIFECTA_TOKEN the note on the merge request.

The scan is a process of its own that gets no token: of the environment it inherits only PATH, HOME, TMPDIR,
the language, certificates, proxies and TRIFECTA_* variables. Each input of the action arrives as a variable
INPUT_NAME and stands for the flag of the same name; a flag on the command line wins. A pull request and a
merge group are compared with their base, unless --base names another one or is none.

Exit codes: 0 nothing that --fail-on names, 1 findings, 2 wrong usage or configuration, 3 the scan could not
be finished.`,
		Example: `  trifecta ci
  trifecta ci services/shop --fail-on act --sarif-file trifecta.sarif`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ci(cmd, args, &opts)
		},
	}
	opts.scan.register(cmd)
	f := cmd.Flags()
	_ = f.MarkHidden("output") // ci writes the files below; a flag that is not there would be a mistake above
	f.BoolVar(&opts.summary, "summary", true, "write the step summary")
	f.BoolVar(&opts.annotations, "annotations", true, "put findings on their lines")
	f.StringVar(&opts.sarifFile, "sarif-file", "", "write SARIF to `FILE` (default a file in the runner's temporary folder)")
	f.StringVar(&opts.sbomFile, "sbom-file", "", "write the CycloneDX bill of materials to `FILE` (default as above)")
	f.BoolVar(&opts.comment, "comment", true, "keep one comment on the pull request up to date; needs "+tokenVariable)
	f.BoolVar(&opts.suggestions, "suggestions", true, "suggest fixes of changed lines on the pull request; needs "+tokenVariable)
	f.BoolVar(&opts.uploadSARIF, "upload-sarif", true, "send SARIF to code scanning; needs "+tokenVariable)
	f.BoolVar(&opts.check, "check", false, "write a check run with every finding on its line; needs "+tokenVariable)
	f.BoolVar(&opts.dependencySnapshot, "dependency-snapshot", false, "send the packages to the dependency graph; needs "+tokenVariable)
	f.BoolVar(&opts.issue, "issue", false, "keep one issue about the default branch up to date, new findings first; needs "+tokenVariable)
	f.Var(&opts.fix, "fix", "propose fixes of the branch as pull requests; needs "+tokenVariable)
	f.IntVar(&opts.fixLimit, "fix-limit", 0, "at most `N` such requests open at once (default that of the configuration, else 5)")
	f.StringVar(&opts.from, "from", "", "scan nothing: comment with the result `FILE` of the run that a workflow_run is about")
	return cmd
}

func (a *app) ci(cmd *cobra.Command, args []string, opts *ciOptions) error {
	onGitLab := a.getenv("GITLAB_CI") == "true"
	if a.getenv("GITHUB_ACTIONS") != "true" && !onGitLab {
		return usage("there GITHUB_ACTIONS or GITLAB_CI is true; anywhere else run trifecta scan",
			"ci runs in a pipeline of GitHub Actions or GitLab, and this is none")
	}
	if err := applyInputs(cmd.Flags(), a.getenv); err != nil {
		return err
	}
	dir := cmp.Or(append(args, a.getenv(inputVariable(pathInput)))...)
	dir = cmp.Or(dir, ".")
	if len(opts.scan.outputs) > 0 {
		return usage("trifecta report FILE -o FORMAT makes any report from the result file", "--output is a flag of scan, not of ci")
	}
	if opts.scan.aws && opts.scan.awsSnapshot != "" {
		return usage("trifecta scan --aws --aws-snapshot FILE writes a snapshot; ci judges by one", "--aws can't be used with --aws-snapshot in ci")
	}
	if onGitLab {
		return a.ciGitLab(cmd.Context(), cmd.Flags(), dir, opts)
	}
	if opts.from != "" {
		return a.publishFrom(cmd.Context(), dir, opts)
	}
	files, err := newCIFiles(a.getenv("RUNNER_TEMP"), opts)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	workflow := report.NewWorkflow(a.out, a.getenv)

	var trouble []string
	e, err := readEvent(a.getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		trouble = append(trouble, err.Error())
	}
	// Without an event nobody knows whose tree this is.
	opts.scan.memoryReadOnly = opts.scan.memoryReadOnly || err != nil || e.foreign(a.getenv)
	process := scanProcess{environ: os.Environ(), log: workflow.Verbatim, temp: filepath.Join(files.dir, "scan"), policy: a.scanPolicy(dir, &opts.scan)}
	if err := os.Mkdir(process.temp, 0o700); err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = os.RemoveAll(process.temp) }() // the runner empties its temporary folder after the job
	raw := filepath.Join(process.temp, "scan.json")
	base := opts.scan.base
	switch base {
	case "":
		base = e.base()
	case withoutBase:
		base = ""
	}
	process.args = a.scanArguments(cmd.Flags(), dir, raw, base, e.proposal(), opts.scan.base == "")
	if opts.scan.memoryReadOnly && !cmd.Flags().Changed("cache-read-only") {
		process.args = slices.Insert(process.args, 1, "--cache-read-only")
	}
	process.account(&opts.scan, !opts.scan.memoryReadOnly && e.PullRequest.Number == 0 && !e.proposal())
	outcome, err := a.runScanProcess(cmd.Context(), process)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	res, err := readResult(raw)
	if err != nil {
		if outcome.code == exitOK {
			return &exitError{code: exitUnable, err: err}
		}
		return errors.Join(&exitError{code: outcome.code}, workflow.Error("trifecta: the scan ended without a result", outcome.message()))
	}
	// There is something to show, whether or not the findings or --strict make the step fail.
	changed := cmd.Flags().Changed
	p := publisher{
		getenv: a.getenv, workflow: workflow, opts: opts, files: files, event: e, compared: base != "" && !hasNotice(res, baseMissing),
		tokenWanted: changed("comment") || changed("suggestions") || changed("upload-sarif") || opts.check || opts.dependencySnapshot || opts.issue,
		failed:      outcome.code != exitOK,
	}
	if err := p.publish(cmd.Context(), dir, res, trouble); err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	run := fixRun{flags: cmd.Flags(), dir: dir, opts: opts, event: e, process: process, publish: &p}
	if trouble := a.fixes(cmd.Context(), run); len(trouble) > 0 {
		if err := workflow.Notice("trifecta: fixes", strings.Join(trouble, "\n")); err != nil {
			return &exitError{code: exitUnable, err: err}
		}
	}
	if outcome.code != exitOK {
		// The reason again, below everything that was published. It may name what the tree is called.
		err := workflow.Verbatim(func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "trifecta: %s\n", outcome.lastLine)
			return err
		})
		return errors.Join(&exitError{code: outcome.code}, err)
	}
	return nil
}

// applyInputs sets the flags that have an input and were not given on the command line.
func applyInputs(flags *pflag.FlagSet, getenv func(string) string) error {
	for _, name := range ciInputs {
		value := strings.TrimSpace(getenv(inputVariable(name)))
		flag := flags.Lookup(name)
		if value == "" || flag == nil || flag.Changed {
			continue
		}
		if _, ok := flag.Value.(pflag.SliceValue); ok {
			// In YAML people write lists with spaces and over several lines.
			value = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), ",")
		}
		if err := flags.Set(name, value); err != nil {
			return usage("see the inputs in action.yml", "input %s: %q can't be used: %w", name, value, err)
		}
	}
	return nil
}
