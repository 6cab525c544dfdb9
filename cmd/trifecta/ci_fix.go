package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/report"
)

// fixRun is what ci needs to propose fixes.
type fixRun struct {
	flags   *pflag.FlagSet
	dir     string
	opts    *ciOptions
	event   event
	process scanProcess // of the scan
	publish *publisher
}

// fixes proposes fixes and returns what went wrong, which never fails the step. What plans and writes them is a process
// without a token; this one reads what that hands over, and no file of the tree. They are for a branch: on what somebody
// proposes nothing is proposed.
func (a *app) fixes(ctx context.Context, r fixRun) []string {
	if r.opts.fix != fixRequest {
		return nil
	}
	base, isBranch := strings.CutPrefix(a.getenv("GITHUB_REF"), "refs/heads/")
	switch {
	case r.event.proposal() || r.event.foreign(a.getenv) || a.getenv("GITHUB_EVENT_NAME") == "merge_group":
		return []string{"no fixes: a pull request is not fixed by another one; they are proposed on the branch it goes to"}
	case !isBranch:
		return []string{"no fixes: " + a.getenv("GITHUB_REF") + " is no branch"}
	case r.opts.scan.offline:
		return []string{"no fixes: offline opens no connection"}
	case a.getenv(tokenVariable) == "":
		return []string{"no fixes: " + tokenVariable + " is not set"}
	}
	done, asked, found := a.proposeFixes(ctx, r, fixHost{
		workspace: a.getenv("GITHUB_WORKSPACE"), branch: base, commit: a.getenv("GITHUB_SHA"),
		connect: func() (forge.Proposer, error) { return r.publish.client(a.getenv(tokenVariable)) },
	})
	if !asked {
		return found
	}
	err := r.publish.workflow.Verbatim(func(w io.Writer) error { return summarize(w, done) })
	if err == nil {
		err = outputRequests(r.publish.workflow, done)
	}
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

// fixHost is where fixes are proposed.
type fixHost struct {
	workspace      string // the root of the checkout
	branch, commit string
	connect        func() (forge.Proposer, error)
}

// proposeFixes has fixes planned and written by a process without a token and proposes them. It returns what came of each
// request, whether the host was asked at all, and what went wrong.
func (a *app) proposeFixes(ctx context.Context, r fixRun, at fixHost) (done []forge.Proposal, asked bool, trouble []string) {
	failed := func(err error) []string { return []string{"no fixes: " + hostError(err)} }
	handed := filepath.Join(r.process.temp, "fixes.json")
	r.process.args = a.fixArguments(r.flags, r.dir, handed)
	if _, err := os.Stat(r.process.answers); err == nil { // absent where AWS could not be asked
		r.process.args = slices.Insert(r.process.args, 1, "--aws-snapshot="+r.process.answers)
	}
	r.process.unconfined = true // it starts package managers, each of which is confined by itself
	r.process.more = registryVariables(r.process.environ)
	outcome, err := a.runScanProcess(ctx, r.process)
	if err != nil {
		return nil, false, failed(err)
	}
	if outcome.code != exitOK {
		return nil, false, []string{"no fixes: " + outcome.message()}
	}
	proven, err := readProposals(handed)
	if err != nil {
		return nil, false, failed(err)
	}
	prefix, err := folderIn(at.workspace, r.dir)
	if err != nil {
		return nil, false, failed(err)
	}
	client, err := at.connect()
	if err != nil {
		return nil, false, failed(err)
	}
	done, err = forge.Reconcile(ctx, client, proven.plan(requestTarget{prefix: prefix, base: at.branch, commit: at.commit}, r.opts.fixLimit))
	if err != nil {
		trouble = failed(err)
	}
	return done, true, trouble
}

// outputRequests sets the output with the numbers of the requests that are open, as JSON.
func outputRequests(w *report.Workflow, done []forge.Proposal) error {
	numbers := []int{}
	for _, p := range done {
		if p.State.Open() && p.Number > 0 {
			numbers = append(numbers, p.Number)
		}
	}
	data, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	if err := w.Output("pull-requests", string(data)); err != nil {
		return fmt.Errorf("the output pull-requests is missing: %w", err)
	}
	return nil
}

// fixArguments returns the command line of the process that plans fixes: that of the scan, but for what is about its
// findings alone.
func (a *app) fixArguments(flags *pflag.FlagSet, dir, handed string) []string {
	args := []string{"fix", "--proposals=" + handed}
	for _, arg := range a.scanArguments(flags, dir, "", "", false, false)[1:] {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		switch name {
		case "output", "fail-on", "fail-on-default", "sealed", "base", "strict", "aws": // it starts package managers, which have no business with an account
			continue
		}
		args = append(args, arg)
	}
	return args
}

// registries are the variables by which an operator names a mirror of a registry.
var registries = []string{"NPM_CONFIG_REGISTRY", "npm_config_registry", "GOPROXY", "UV_DEFAULT_INDEX", "CARGO_REGISTRY", "MAVEN_MIRROR_URL"}

// registryVariables returns those that name a mirror without a password: whatever stands in front of an @ in an address
// stays with this process.
func registryVariables(environ []string) []string {
	var all []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if slices.Contains(registries, name) && !strings.ContainsAny(value, "@?") {
			all = append(all, variable)
		}
	}
	return all
}
