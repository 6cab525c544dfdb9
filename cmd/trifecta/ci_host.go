package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/github"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// tokenVariable carries the token. It is the one input that is no flag: a command line can be read by everybody.
const tokenVariable = "INPUT_TOKEN"

// sarifPatience is how long ci waits for code scanning to say whether it took the file.
const sarifPatience = 60 * time.Second

// host shows the result on the code host and returns what went wrong. Nothing of it fails the step: a token that may
// not do something is the rule for the pull request of a fork.
func (p *publisher) host(ctx context.Context, prefix string, res *scanner.Result) []string {
	number := p.event.PullRequest.Number
	comment := p.opts.comment && number > 0
	suggested := suggestions(res)
	suggest := p.opts.suggestions && number > 0 && len(suggested) > 0
	if p.opts.scan.offline || !comment && !suggest && !p.opts.uploadSARIF && !p.opts.check && !p.opts.dependencySnapshot && !p.opts.issue {
		return nil
	}
	token := p.getenv(tokenVariable)
	if token == "" {
		if p.tokenWanted {
			return []string{"nothing was sent to GitHub: " + tokenVariable + " is not set"}
		}
		return nil
	}
	client, err := p.client(token)
	if err != nil {
		return []string{fmt.Sprintf("nothing was sent to GitHub: %v", err)}
	}
	var trouble []string
	report := func(err error) {
		if err != nil {
			trouble = append(trouble, hostError(err))
		}
	}
	if comment {
		report(p.comment(ctx, client, number, prefix, res))
	}
	if suggest {
		_, err := client.Suggest(ctx, number, p.event.PullRequest.Head.SHA, suggested, maxSuggestions)
		report(err)
	}
	if p.opts.uploadSARIF {
		report(p.uploadSARIF(ctx, client, res))
	}
	if p.opts.check {
		report(p.check(ctx, client, prefix, res))
	}
	if p.opts.dependencySnapshot {
		report(client.SubmitSnapshot(ctx, p.snapshot(prefix, res)))
	}
	if p.opts.issue {
		report(p.issue(ctx, client, prefix, res))
	}
	return trouble
}

func (p *publisher) client(token string) (*github.Client, error) {
	return github.New(github.Options{
		BaseURL: p.getenv("GITHUB_API_URL"), ServerURL: p.getenv("GITHUB_SERVER_URL"), Repository: p.getenv("GITHUB_REPOSITORY"), Token: token, UserAgent: "trifecta/" + version,
	})
}

// hostError says what a person can do about an error of the host.
func hostError(err error) string {
	var denied *forge.DeniedError
	if errors.As(err, &denied) {
		return denied.Error()
	}
	return err.Error()
}

// comment brings the one comment about this folder up to date. It is about the change alone, and goes when there is
// nothing to say about it.
func (p *publisher) comment(ctx context.Context, f forge.Forge, number int, prefix string, res *scanner.Result) error {
	marker := "<!-- trifecta " + strings.ReplaceAll(url.PathEscape(cmp.Or(prefix, ".")), "--", "%2D%2D") + " -->"
	body, err := p.commentBody(res, report.MaxComment-len(marker)-1)
	if err != nil {
		return err
	}
	_, err = f.Comment(ctx, number, marker, body)
	return err
}

func (p *publisher) commentBody(res *scanner.Result, limit int) (string, error) {
	change := *res
	change.Findings = nil
	for i := range res.Findings {
		if res.Findings[i].Status == scanner.StatusNew {
			change.Findings = append(change.Findings, res.Findings[i])
		}
	}
	if len(change.Findings) == 0 && len(change.Fixed) == 0 && change.AttackSurface.Change == nil {
		return "", nil
	}
	change.Summarize()
	intro := "**This change was not compared with its base; these are all findings.**\n\n"
	if p.compared {
		intro = fmt.Sprintf("**This change adds %s and removes %s.**\n\n", plural(len(change.Findings), "finding"), plural(len(change.Fixed), "finding"))
	}
	if p.foreign {
		intro = foreignNote + intro
	}
	markdown, err := report.Lookup("markdown")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(intro)
	if err := markdown.Report(&b, &change, report.Options{MaxBytes: limit - len(intro)}); err != nil {
		return "", err
	}
	return b.String(), nil
}

// maxSuggestions is how many review suggestions a pull request may get: more than a person applies one by one.
const maxSuggestions = 10

// suggestions returns the fixes of new findings that are one edit of one place. One that needs several would be half
// done when only a part of it is applied.
func suggestions(res *scanner.Result) []github.Suggestion {
	var all []github.Suggestion
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Status != scanner.StatusNew || f.Fix == nil || len(f.Fix.Edits) != 1 {
			continue
		}
		e := f.Fix.Edits[0]
		all = append(all, github.Suggestion{
			Path: e.Path, Line: e.Line, EndLine: max(e.Line, e.EndLine), Text: e.Text,
			Marker: "<!-- trifecta fix " + f.Fingerprint + " -->",
			Body:   fmt.Sprintf("**trifecta %s**: %s", f.Tier, report.MarkdownText(f.Message)),
		})
	}
	return all
}

// analysed returns the commit whose tree was scanned, and its ref, as code scanning and the dependency graph want them.
// GITHUB_SHA of pull_request_target is that of the base, which is not what was scanned.
func (p *publisher) analysed() (ref, commit string) {
	if p.getenv("GITHUB_EVENT_NAME") == "pull_request_target" {
		return fmt.Sprintf("refs/pull/%d/head", p.event.PullRequest.Number), p.event.PullRequest.Head.SHA
	}
	return p.getenv("GITHUB_REF"), p.getenv("GITHUB_SHA")
}

func (p *publisher) uploadSARIF(ctx context.Context, client *github.Client, res *scanner.Result) error {
	sarif, err := report.Lookup("sarif")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := sarif.Report(&b, res, report.Options{}); err != nil {
		return err
	}
	ref, commit := p.analysed()
	upload, err := client.UploadSARIF(ctx, ref, commit, b.Bytes(), sarifPatience)
	if err != nil {
		return err
	}
	if len(upload.Errors) > 0 {
		return fmt.Errorf("code scanning did not take all of the SARIF file: %s", strings.Join(upload.Errors, "; "))
	}
	return nil
}

// maxCheckAnnotations keeps a check run to ten requests and to what a person reads.
const maxCheckAnnotations = 500

// check writes the check run of this run of the job: what the change adds where it was compared, otherwise all. Only
// what makes the step fail makes the check fail.
func (p *publisher) check(ctx context.Context, client *github.Client, prefix string, res *scanner.Result) error {
	fresh := 0
	for i := range res.Findings {
		if res.Findings[i].Status == scanner.StatusNew {
			fresh++
		}
	}
	c := github.Check{
		Name:       strings.TrimSuffix("trifecta "+prefix, " "),
		ExternalID: strings.Join([]string{p.getenv("GITHUB_RUN_ID"), p.getenv("GITHUB_RUN_ATTEMPT"), p.getenv("GITHUB_JOB"), prefix}, "/"),
		Conclusion: "success",
		Title:      plural(fresh, "finding"),
	}
	// A check of the merge commit that pull_request builds would not be seen on the pull request.
	if _, c.Commit = p.analysed(); p.event.PullRequest.Head.SHA != "" {
		c.Commit = p.event.PullRequest.Head.SHA
	}
	if p.compared {
		c.Title = plural(fresh, "new finding")
	}
	switch {
	case p.failed:
		c.Conclusion = "failure"
	case fresh > 0:
		c.Conclusion = "neutral"
	}
	annotations, left := report.LineAnnotations(res, maxCheckAnnotations)
	for _, a := range annotations {
		c.Annotations = append(c.Annotations, github.CheckAnnotation{
			Path: a.Path, Line: a.Line, EndLine: a.Line, Level: a.Level, Title: a.Title, Message: a.Message,
		})
	}
	const nothing = "Nothing to say about this change."
	intro := ""
	if left > 0 {
		intro = fmt.Sprintf("The %d worst lines are annotated; %s on other lines.\n\n", len(annotations), plural(left, "finding"))
	}
	body, err := p.commentBody(res, report.MaxComment-1-len(intro))
	if err != nil {
		return err
	}
	c.Summary = intro + cmp.Or(body, nothing)
	return client.WriteCheck(ctx, c, time.Now())
}

// snapshot lists the packages of the result as the dependency graph takes them: each lock file is one manifest.
func (p *publisher) snapshot(prefix string, res *scanner.Result) *github.Snapshot {
	ref, commit := p.analysed()
	s := &github.Snapshot{
		Job: github.SnapshotJob{
			ID:         p.getenv("GITHUB_RUN_ID"),
			Correlator: strings.TrimSuffix(p.getenv("GITHUB_WORKFLOW")+" "+p.getenv("GITHUB_JOB")+" "+prefix, " "),
		},
		SHA: commit, Ref: ref,
		Detector:  github.SnapshotDetector{Name: "trifecta", Version: version, URL: "https://github.com/trifecta-scanner/trifecta"},
		Scanned:   res.Run.StartedAt,
		Manifests: map[string]github.SnapshotManifest{},
	}
	for i := range res.Packages {
		pkg := &res.Packages[i]
		for _, at := range pkg.Locations {
			if at.Origin.Own() {
				continue
			}
			manifest, ok := s.Manifests[at.Path]
			if !ok {
				manifest = github.SnapshotManifest{
					Name: at.Path, File: github.SnapshotFile{SourceLocation: at.Path}, Resolved: map[string]github.SnapshotDependency{},
				}
				s.Manifests[at.Path] = manifest
			}
			d := github.SnapshotDependency{PackageURL: pkg.PURL, Relationship: "indirect"}
			if at.Direct {
				d.Relationship = "direct"
			}
			if at.Scope != inventory.ScopeUnknown {
				d.Scope = string(at.Scope)
			}
			for _, id := range pkg.Dependencies {
				d.Dependencies = append(d.Dependencies, string(id))
			}
			manifest.Resolved[pkg.PURL] = d
		}
	}
	return s
}
