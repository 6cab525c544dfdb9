package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/gitlab"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// gitlabReports are the files that ci leaves in the root of the checkout of a GitLab job, under the names that GitLab's
// documentation gives them. The template names them as artifacts.
var gitlabReports = []struct{ format, name string }{
	{"gitlab-dependency", "gl-dependency-scanning-report.json"},
	{"gitlab-container", "gl-container-scanning-report.json"},
	{"gitlab-sast", "gl-sast-report.json"},
	{"codequality", "gl-code-quality-report.json"},
}

const (
	gitlabBill   = "gl-sbom.cdx.json"
	gitlabResult = "trifecta-result.json"
	gitlabPage   = "trifecta-report.html"
)

// gitlabTokenVariable carries the token that may write notes and merge requests. The token that every job has may not.
const gitlabTokenVariable = "TRIFECTA_TOKEN"

// gitlabPipeline is what ci reads of the pipeline that a job is part of; see
// https://docs.gitlab.com/ci/variables/predefined_variables/.
type gitlabPipeline struct {
	root    string // of the checkout
	project string // that runs the pipeline
	branch  string // empty for a tag and a merge request
	main    string // the default branch
	commit  string
	id      int64
	job     string
	night   bool     // a schedule has started it
	request struct { // zero for what is no merge request
		number int
		target string // the project that it goes to
		source string // the project that it is from
		base   string // the commit that it is compared with
	}
}

func readPipeline(getenv func(string) string) gitlabPipeline {
	p := gitlabPipeline{
		root: getenv("CI_PROJECT_DIR"), project: getenv("CI_PROJECT_ID"), branch: getenv("CI_COMMIT_BRANCH"), main: getenv("CI_DEFAULT_BRANCH"),
		commit: getenv("CI_COMMIT_SHA"), job: getenv("CI_JOB_NAME"), night: getenv("CI_PIPELINE_SOURCE") == "schedule",
	}
	if id, err := strconv.ParseInt(getenv("CI_PIPELINE_ID"), 10, 64); err == nil {
		p.id = id
	}
	if number, err := strconv.Atoi(getenv("CI_MERGE_REQUEST_IID")); err == nil && number > 0 {
		p.request.number = number
		p.request.target = cmp.Or(getenv("CI_MERGE_REQUEST_PROJECT_ID"), p.project)
		p.request.source = getenv("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
		base := getenv("CI_MERGE_REQUEST_DIFF_BASE_SHA")
		if _, err := hex.DecodeString(base); err == nil && (len(base) == 40 || len(base) == 64) {
			p.request.base = base
		}
	}
	return p
}

// foreign reports whether the tree is the word of somebody who may not write to the project: a merge request from a fork,
// wherever its pipeline runs. The source is empty where the fork is gone.
func (p *gitlabPipeline) foreign() bool {
	return p.request.number > 0 && (p.request.source != p.request.target || p.request.source != p.project)
}

// ciGitLab is ci in a job of GitLab: the same two processes as on GitHub, and other places to show the result.
func (a *app) ciGitLab(ctx context.Context, flags *pflag.FlagSet, dir string, opts *ciOptions) error {
	if opts.from != "" {
		return usage("on GitLab the pipeline of the merge request writes its reports itself", "--from is for GitHub Actions")
	}
	p := readPipeline(a.getenv)
	temp, err := os.MkdirTemp("", "trifecta-")
	if err != nil {
		return &exitError{code: exitUnable, err: fmt.Errorf("make a folder for the scan: %w", err)}
	}
	defer func() { _ = os.RemoveAll(temp) }() // the job's container goes with it
	opts.scan.memoryReadOnly = opts.scan.memoryReadOnly || p.foreign()
	process := scanProcess{
		environ: os.Environ(), temp: temp, policy: a.scanPolicy(dir, &opts.scan),
		log: func(write func(io.Writer) error) error { return write(a.err) },
	}
	base := opts.scan.base
	switch base {
	case "":
		base = p.request.base
	case withoutBase:
		base = ""
	}
	raw := filepath.Join(temp, "scan.json")
	process.args = a.scanArguments(flags, dir, raw, base, p.request.base != "", opts.scan.base == "")
	if opts.scan.memoryReadOnly && !flags.Changed("cache-read-only") {
		process.args = slices.Insert(process.args, 1, "--cache-read-only")
	}
	process.account(&opts.scan, p.request.number == 0)
	outcome, err := a.runScanProcess(ctx, process)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	res, err := readResult(raw)
	if err != nil {
		if outcome.code == exitOK {
			return &exitError{code: exitUnable, err: err}
		}
		return &exitError{code: outcome.code, err: fmt.Errorf("the scan ended without a result: %s", outcome.message())}
	}
	job := gitlabJob{app: a, pipeline: p, opts: opts, compared: base != "" && !hasNotice(res, baseMissing)}
	trouble, err := job.publish(ctx, dir, res)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	trouble = append(trouble, job.fixes(ctx, fixRun{flags: flags, dir: dir, opts: opts, process: process})...)
	if len(trouble) > 0 {
		a.say("not everything went as asked:\n  %s", strings.Join(trouble, "\n  "))
	}
	if outcome.code != exitOK {
		return &exitError{code: outcome.code, err: errors.New(outcome.lastLine)}
	}
	return nil
}

// gitlabJob shows a result on GitLab. Like publisher it reads the result alone: this is the half that holds the token.
type gitlabJob struct {
	*app
	pipeline gitlabPipeline
	opts     *ciOptions
	compared bool
}

// publish writes the files, which must succeed, the text into the log, the note on the merge request and the tracking
// issue. It returns what could not be shown.
func (j *gitlabJob) publish(ctx context.Context, dir string, res *scanner.Result) (trouble []string, err error) {
	root := cmp.Or(j.pipeline.root, ".")
	prefix, err := folderIn(root, dir)
	if err != nil {
		trouble = append(trouble, fmt.Sprintf("paths are relative to %s, not to the project: %v", dir, err))
	}
	relocate(res, prefix)
	res.Target.Repository = cmp.Or(res.Target.Repository, j.getenv("CI_PROJECT_URL"))
	res.Target.Ref = cmp.Or(res.Target.Ref, j.getenv("CI_COMMIT_REF_NAME"))
	res.Target.Commit = cmp.Or(res.Target.Commit, j.pipeline.commit)

	since := ""
	if j.pipeline.night && j.pipeline.branch != "" && j.opts.scan.base == "" && !j.opts.scan.offline {
		if since, err = j.compareWithLastNight(ctx, res); err != nil {
			trouble = append(trouble, "what is new since last night is not told: "+hostError(err))
		}
	}
	files := slices.Clone(gitlabReports)
	for i := range files {
		files[i].name = filepath.Join(root, files[i].name)
	}
	files = append(files,
		struct{ format, name string }{"json", filepath.Join(root, gitlabResult)},
		struct{ format, name string }{"html", filepath.Join(root, gitlabPage)},
		struct{ format, name string }{"cyclonedx", cmp.Or(j.opts.sbomFile, filepath.Join(root, gitlabBill))})
	if j.opts.sarifFile != "" {
		files = append(files, struct{ format, name string }{"sarif", j.opts.sarifFile})
	}
	for _, f := range files {
		if err := writeReport(root, f.name, f.format, res); err != nil {
			return trouble, err
		}
	}
	text, err := report.Lookup("text")
	if err != nil {
		return trouble, err
	}
	if err := text.Report(j.out, res, report.Options{Width: logWidth, NewSince: since}); err != nil {
		return trouble, err
	}
	if j.opts.comment && j.pipeline.request.number > 0 && !j.opts.scan.offline {
		if err := j.note(ctx, prefix, res); err != nil {
			trouble = append(trouble, hostError(err))
		}
	}
	if j.opts.issue && !j.opts.scan.offline {
		if err := j.issue(ctx, prefix, res); err != nil {
			trouble = append(trouble, hostError(err))
		}
	}
	return trouble, nil
}

// issue brings the one issue about this folder up to date.
func (j *gitlabJob) issue(ctx context.Context, prefix string, res *scanner.Result) error {
	if reason := j.pipeline.noIssue(); reason != "" {
		return noTrackingIssue(reason)
	}
	client, err := j.client(j.pipeline.project)
	if err != nil {
		return err
	}
	said, err := keepIssue(ctx, client, prefix, res)
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.out, said)
	return err
}

// noIssue returns why this pipeline has no tracking issue to keep. It is about the default branch.
func (p *gitlabPipeline) noIssue() string {
	switch {
	case p.request.number > 0:
		return "it is about the default branch, and this is a change on its way there"
	case p.branch == "":
		return "it is about the default branch, and this is a tag"
	case p.main != "" && p.branch != p.main:
		return "it is about the default branch " + p.main + ", and this is " + p.branch
	}
	return ""
}

// compareWithLastNight tells which findings are new since the last schedule of the branch, says so in the log, and
// returns the day of that; empty where there was none. What fails the job stays as the scan has decided it.
func (j *gitlabJob) compareWithLastNight(ctx context.Context, res *scanner.Result) (since string, err error) {
	client, err := j.client(j.pipeline.project)
	if err != nil {
		return "", err
	}
	last, err := client.LastArtifact(ctx, j.pipeline.branch, j.pipeline.job, j.pipeline.id, gitlabResult)
	if err != nil || last.Content == nil {
		return "", err
	}
	before, err := report.ReadJSON(bytes.NewReader(last.Content))
	if err != nil {
		return "", fmt.Errorf("read %s of last night: %w", gitlabResult, err)
	}
	if _, err := time.Parse(time.DateOnly, before.Run.AsOf); err != nil {
		return "", fmt.Errorf("read %s of last night: its day is %q", gitlabResult, before.Run.AsOf)
	}
	since = before.Run.AsOf
	res.Compare(before)
	fresh := 0
	for i := range res.Findings {
		if res.Findings[i].Status == scanner.StatusNew {
			fresh++
		}
	}
	gone, which := "gone", "the last schedule"
	known := noticeCodes(before.Notices)
	if slices.ContainsFunc(noticeCodes(res.Notices), func(code string) bool { return !slices.Contains(known, code) }) {
		gone = "not found, and something could not be looked at that could be then"
	}
	if !last.Scheduled {
		which = "the last pipeline of " + j.pipeline.branch + " that ended well; " + gitlabTokenVariable + " finds the last schedule"
	}
	_, err = fmt.Fprintf(j.out, "Since %s (%s): %d new, %d %s.\n\n", since, which, fresh, len(res.Fixed), gone)
	return since, err
}

// note brings the one note about this folder up to date.
func (j *gitlabJob) note(ctx context.Context, prefix string, res *scanner.Result) error {
	client, err := j.client(j.pipeline.request.target)
	if err != nil {
		return err
	}
	p := publisher{getenv: j.getenv, opts: j.opts, compared: j.compared}
	return p.comment(ctx, client, j.pipeline.request.number, prefix, res)
}

// client acts on a project, with the token of the job where there is no other one.
func (j *gitlabJob) client(project string) (*gitlab.Client, error) {
	o := gitlab.Options{BaseURL: j.getenv("CI_API_V4_URL"), Project: project, Token: j.getenv(gitlabTokenVariable), UserAgent: "trifecta/" + version}
	if o.Token == "" {
		o.Token, o.JobToken = j.getenv("CI_JOB_TOKEN"), true
	}
	// A runner that knows the authority of its server hands it to the job.
	if file := j.getenv("CI_SERVER_TLS_CA_FILE"); file != "" {
		authority, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the authority of the server: %w", err)
		}
		o.Authority = authority
	}
	return gitlab.New(o)
}

// fixes proposes fixes of the branch as merge requests and returns what went wrong.
func (j *gitlabJob) fixes(ctx context.Context, r fixRun) []string {
	if r.opts.fix != fixRequest {
		return nil
	}
	switch {
	case j.pipeline.request.number > 0:
		return []string{"no fixes: a merge request is not fixed by another one; they are proposed on the branch it goes to"}
	case j.pipeline.branch == "":
		return []string{"no fixes: " + j.getenv("CI_COMMIT_REF_NAME") + " is no branch"}
	case r.opts.scan.offline:
		return []string{"no fixes: offline opens no connection"}
	case j.getenv(gitlabTokenVariable) == "":
		return []string{"no fixes: " + gitlabTokenVariable + " is not set, and the token of a job may not propose them"}
	}
	done, _, trouble := j.proposeFixes(ctx, r, fixHost{
		workspace: cmp.Or(j.pipeline.root, "."), branch: j.pipeline.branch, commit: j.pipeline.commit,
		connect: func() (forge.Proposer, error) { return j.client(j.pipeline.project) },
	})
	if err := summarize(j.out, done); err != nil {
		trouble = append(trouble, err.Error())
	}
	return trouble
}
