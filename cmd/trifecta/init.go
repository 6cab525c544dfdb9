package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/config"
)

//go:embed starter/trifecta.yaml
var starterConfig string

//go:embed starter/workflow.yml
var starterWorkflow string

//go:embed starter/gitlab-ci.yml
var starterPipeline string

// Where the job of each platform goes.
const (
	workflowFile = ".github/workflows/trifecta.yml"
	pipelineFile = ".gitlab/trifecta.gitlab-ci.yml"
)

func (a *app) initCommand() *cobra.Command {
	var opts scanOptions
	var force, record bool
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Writes " + config.FileName + " and a workflow to start with",
		Long: `Writes ` + config.FileName + ` and ` + workflowFile + `, both with comments; where there is a
.gitlab-ci.yml and no .github, ` + pipelineFile + ` instead, for it to include. Files that are
there already are left as they are.

With --baseline it scans instead and records what is found in ` + baselineFile + `: later scans
count only what is new. Run it again with --force to record anew.`,
		Example: `  trifecta init
  trifecta init --baseline --offline --db path/to/advisories`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if record {
				return a.recordBaseline(cmd.Context(), dir, &opts, force)
			}
			return a.initialize(dir, force)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&force, "force", false, "overwrite files that are there")
	f.BoolVar(&record, "baseline", false, "scan, and record what is found in "+baselineFile)
	f.BoolVar(&opts.offline, "offline", false, "as for scan; with --baseline")
	f.StringVar(&opts.db, "db", "", "as for scan; with --baseline")
	f.StringVar(&opts.intel, "intel", "", "as for scan; with --baseline")
	f.StringVar(&opts.config, "config", "", "as for scan; with --baseline")
	f.StringVar(&opts.asOf, "as-of", "", "as for scan; with --baseline")
	return cmd
}

// initialize writes the files to start with. One that is there is left alone and told of.
func (a *app) initialize(dir string, force bool) error {
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // what was written is closed already
	written := 0
	type file struct{ name, text string }
	job := file{workflowFile, starterWorkflow}
	if onlyGitLab(root) {
		job = file{pipelineFile, starterPipeline}
	}
	for _, file := range []file{{config.FileName, starterConfig}, job} {
		err := create(root, file.name, []byte(file.text), force)
		if errors.Is(err, fs.ErrExist) {
			a.tell("kept %s, which is there already; --force overwrites it", file.name)
			continue
		}
		if err != nil {
			return &exitError{code: exitUnable, err: fmt.Errorf("write %s: %w", file.name, err)}
		}
		written++
		a.tell("wrote %s", file.name)
	}
	if written > 0 && job.name == pipelineFile {
		a.tell("next: let .gitlab-ci.yml include it (include: [{local: %s}]), and name an image in TRIFECTA_IMAGE; see docs/gitlab.md", pipelineFile)
	}
	if written > 0 {
		a.tell("next: trifecta scan %s", filepath.ToSlash(filepath.Clean(dir)))
	}
	return nil
}

// tell writes a line of what was done to standard output.
func (a *app) tell(format string, args ...any) {
	if !a.quiet {
		_, _ = fmt.Fprintf(a.out, format+"\n", args...) // nobody is left to tell
	}
}

// onlyGitLab reports whether the repository is built on GitLab and not on GitHub.
func onlyGitLab(root *os.Root) bool {
	_, gitlab := root.Stat(".gitlab-ci.yml")
	_, github := root.Stat(".github")
	return gitlab == nil && github != nil
}

func openFolder(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, usage("name a folder that exists", "%w", err)
	}
	return root, nil
}

// create writes a file below root, whatever links the tree has. The error is fs.ErrExist for one that is there, unless
// force is set.
func create(root *os.Root, name string, data []byte, force bool) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := root.OpenFile(name, flags, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// recordBaseline scans and writes what was found as the baseline.
func (a *app) recordBaseline(ctx context.Context, dir string, opts *scanOptions, force bool) error {
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // what was written is closed already
	if _, err := root.Lstat(baselineFile); err == nil && !force {
		return usage("--force records anew", "%s is there already", baselineFile)
	}
	opts.noBaseline = true
	done, err := a.scan(ctx, dir, opts)
	if err != nil {
		return err
	}
	b := newBaseline(done.res)
	data, err := b.encode()
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	if err := create(root, baselineFile, data, force); err != nil {
		return &exitError{code: exitUnable, err: fmt.Errorf("write %s: %w", baselineFile, err)}
	}
	a.tell("wrote %s with %s", baselineFile, plural(len(b.Findings), "finding"))
	return nil
}
