package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// publishFrom comments with the result that another run left, for an event workflow_run: the run for the pull request
// of a fork has no token that may comment, and this one has. The result is the word of a stranger, who can change what
// that run does. So nothing of it says which pull request is meant, no file of it is opened but the result, and it leads
// to a comment only, never to a suggestion, an alert or a check.
func (a *app) publishFrom(ctx context.Context, dir string, opts *ciOptions) error {
	e, err := readEvent(a.getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	run := e.WorkflowRun
	if run.Event != "pull_request" || run.HeadSHA == "" {
		return usage("docs/github-action.md shows the workflow", "--from is for the event workflow_run after one of pull_request")
	}
	token := a.getenv(tokenVariable)
	if token == "" {
		return usage("the input token needs the permission pull-requests: write", "--from comments, and %s is not set", tokenVariable)
	}
	prefix := path.Clean(filepath.ToSlash(dir))
	if prefix == "." {
		prefix = ""
	} else if !filepath.IsLocal(prefix) {
		return usage("", "%s is outside of the repository", dir)
	}
	res, err := readForeign(opts.from)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	workflow := report.NewWorkflow(a.out, a.getenv)
	notice := func(text string) error { return workflow.Notice("trifecta: no comment", text) }
	p := publisher{getenv: a.getenv, opts: opts, event: e, compared: !hasNotice(res, baseMissing), foreign: true}
	client, err := p.client(token)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	numbers, err := client.PullRequests(ctx, run.HeadRepository.FullName, run.HeadBranch, run.HeadSHA)
	switch {
	case err != nil:
		return notice(hostError(err))
	case len(numbers) == 0:
		return notice("no open pull request has the commit " + run.HeadSHA + " as its head; it has moved on or is closed")
	case len(numbers) > 1:
		return notice(fmt.Sprintf("%d pull requests have the commit %s as their head, and the result is about one of them", len(numbers), run.HeadSHA))
	}
	if err := p.comment(ctx, client, numbers[0], prefix, res); err != nil {
		return notice(hostError(err))
	}
	return nil
}

// readForeign reads a result out of an archive that a stranger may have packed: a link does not lead out of its folder,
// and a pipe or device is no result.
func readForeign(name string) (*scanner.Result, error) {
	fail := func(err error) error { return fmt.Errorf("read the result of the other run: %w", err) }
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, fail(err)
	}
	defer func() { _ = root.Close() }() // it was only read
	info, err := root.Lstat(filepath.Base(name))
	if err != nil {
		return nil, fail(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fail(fmt.Errorf("%s is no regular file", filepath.Base(name)))
	}
	f, err := root.Open(filepath.Base(name))
	if err != nil {
		return nil, fail(err)
	}
	defer func() { _ = f.Close() }() // as above
	res, err := report.ReadJSON(f)
	if err != nil {
		return nil, fail(err)
	}
	return res, nil
}

// foreignNote stands above a comment that a stranger's run wrote.
const foreignNote = "_From the run on the fork, which its author can change. It is a help for reading, not a check._\n\n"
