package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/github"
	"github.com/trifecta-scanner/trifecta/internal/git"
)

// fixOptions are the flags of fix.
type fixOptions struct {
	scan   scanOptions
	format string
	openPR bool
	limit  int
	write  bool
	patch  string
	verify string
	how    fixChoices
	// proposals is the file for the process that can reach the code host; ci sets it.
	proposals string
}

// fixChoices are what of a plan is a matter of taste; what is not said here the configuration decides.
type fixChoices struct {
	majors   string
	grouping string
	coolDown int // days; negative is not said
	requests bool
}

// check returns an error for words that are none.
func (c *fixChoices) check() error {
	for _, flag := range []struct {
		name, value string
		words       []string
	}{
		{"--majors", c.majors, []string{"always", "act", "never"}},
		{"--grouping", c.grouping, []string{"package", "ecosystem", "all"}},
	} {
		if flag.value != "" && !slices.Contains(flag.words, flag.value) {
			return usage("", "%s: %q is none of %s", flag.name, flag.value, strings.Join(flag.words, ", "))
		}
	}
	return nil
}

func (a *app) fixCommand() *cobra.Command {
	var opts fixOptions
	cmd := &cobra.Command{
		Use:   "fix [DIR]",
		Short: "Plans fixes, writes and proves them, and proposes them",
		Long: `fix scans DIR and plans the smallest set of changes that clears the most: for each what it clears, why it is this version
and this way, and of what stays the reason. It prints the plan and changes nothing, unless it is asked to.

--write changes the files in DIR, --patch writes each change as a patch for git apply. Each change that is made is proven: the
changed tree is scanned again, and a change that clears nothing, or brings something in, is dropped, and the plan says so.

With --open-pr what the second scan bears out becomes a pull request of its own on GitHub: one for each change, brought up to
date in later runs, closed with a reason when it is not needed any more. GITHUB_TOKEN is the token; GITHUB_REPOSITORY and
GITHUB_API_URL, or the remote origin, say where.

No code of the repository runs: manifests and lock files are edited, or resolved by the package manager in a copy that holds
nothing else. Only --verify runs a command of yours in DIR, after each change that --write makes.

Exit codes: 0 the plan, whatever it holds; 2 wrong usage or configuration, 3 it could not be finished.`,
		Example: `  trifecta fix
  trifecta fix web --format json
  trifecta fix --write --verify 'npm ci && npm test'
  trifecta fix --patch patches
  trifecta fix --aws
  GITHUB_TOKEN=... trifecta fix --open-pr --limit 3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.fix(cmd.Context(), dir, &opts)
		},
	}
	opts.scan.register(cmd)
	f := cmd.Flags()
	for _, name := range []string{"output", "fail-on", "base", "strict"} {
		_ = f.MarkHidden(name) // they are about findings, not about fixes; a flag that is not there would be a mistake above
	}
	f.StringVar(&opts.format, "format", "text", "`FORMAT` of the plan: text or json")
	f.BoolVar(&opts.openPR, "open-pr", false, "open a pull request for each change, and bring those that are open up to date")
	f.IntVar(&opts.limit, "limit", 0, "at most `N` requests open at once (default that of the configuration, else 5)")
	f.BoolVar(&opts.write, "write", false, "change the files in DIR")
	f.StringVar(&opts.patch, "patch", "", "write each change as a patch into `FOLDER`")
	f.StringVar(&opts.verify, "verify", "", "with --write: run `CMD` in DIR after each change and take the change back where it fails")
	f.StringVar(&opts.how.majors, "majors", "", "new major versions: `always|act|never`; act takes them only where nothing else clears what has to be acted on (default always, for requests act)")
	f.StringVar(&opts.how.grouping, "grouping", "", "what one change holds: `package|ecosystem|all` (default that of the configuration, else package)")
	f.IntVar(&opts.how.coolDown, "cool-down", -1, "`DAYS` that a release must have been out (default that of the configuration, else 3)")
	f.StringVar(&opts.proposals, "proposals", "", "write the proven changes to `FILE`")
	_ = f.MarkHidden("proposals") // as above
	return cmd
}

func (a *app) fix(ctx context.Context, dir string, opts *fixOptions) error {
	if opts.format != "text" && opts.format != "json" {
		return usage("", "--format: %q is neither text nor json", opts.format)
	}
	if opts.verify != "" && !opts.write {
		return usage("", "--verify runs a command in the changed tree, and only --write changes it")
	}
	if opts.write && (opts.openPR || opts.proposals != "") {
		return usage("", "--write changes the tree that --open-pr makes requests of; use one of them")
	}
	if err := opts.how.check(); err != nil {
		return err
	}
	opts.how.requests = opts.openPR || opts.proposals != ""
	if opts.openPR && a.getenv("GITHUB_TOKEN") == "" {
		return usage("a token that may write contents and pull requests", "--open-pr needs GITHUB_TOKEN")
	}
	var proven *proposals
	opts.scan.then = func(ctx context.Context, s *session) error {
		if opts.openPR || opts.proposals != "" {
			var err error
			proven, err = a.prove(ctx, dir, s, opts)
			return err
		}
		plan, err := a.planFixes(ctx, dir, s, opts)
		if err != nil {
			return err
		}
		w := fixWriter{app: a, session: s, dir: dir, plan: plan, verify: opts.verify}
		if err := w.make(ctx, opts); err != nil {
			return err
		}
		if opts.format == "json" {
			return plan.WriteJSON(a.out)
		}
		return plan.WriteText(a.out)
	}
	if opts.openPR && opts.scan.offline {
		return usage("", "--open-pr asks GitHub, and --offline opens no socket")
	}
	if _, err := a.scan(ctx, dir, &opts.scan); err != nil {
		return err
	}
	switch {
	case opts.proposals != "":
		return writeProposals(opts.proposals, proven)
	case opts.openPR:
		return a.openRequests(ctx, dir, opts, proven)
	}
	return nil
}

// openRequests proposes the changes to the repository that the environment, or the remote, names.
func (a *app) openRequests(ctx context.Context, dir string, opts *fixOptions, p *proposals) error {
	head, err := git.ReadHead(dir)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	branch, ok := strings.CutPrefix(head.Ref, "refs/heads/")
	if !ok {
		return usage("check out the branch that the requests are for", "--open-pr: no branch is checked out")
	}
	options, err := a.requestHost(head.Repository)
	if err != nil {
		return err
	}
	prefix, err := folderIn(repositoryRoot(dir), dir)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	client, err := github.New(options)
	if err != nil {
		return usage("", "--open-pr: %w", err)
	}
	done, err := forge.Reconcile(ctx, client, p.plan(requestTarget{prefix: prefix, base: branch, commit: head.Commit}, opts.limit))
	if writeErr := summarize(a.out, done); writeErr != nil {
		return &exitError{code: exitUnable, err: errors.Join(err, writeErr)}
	}
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	return nil
}

// requestHost finds out where requests go, and with which token.
func (a *app) requestHost(remote string) (github.Options, error) {
	o := github.Options{
		BaseURL: a.getenv("GITHUB_API_URL"), ServerURL: a.getenv("GITHUB_SERVER_URL"), Repository: a.getenv("GITHUB_REPOSITORY"),
		Token: a.getenv("GITHUB_TOKEN"), UserAgent: "trifecta/" + version,
	}
	if o.Token == "" {
		return o, usage("a token that may write contents and pull requests", "--open-pr needs GITHUB_TOKEN")
	}
	host, name := splitRemote(remote)
	if o.Repository == "" {
		o.Repository = name
	}
	if o.Repository == "" || o.BaseURL == "" && host == "" {
		return o, usage("set GITHUB_REPOSITORY to owner/name", "--open-pr: the remote origin names no repository of GitHub")
	}
	// A token goes to the host that the user names, or to the one that the clone is from when it is GitHub itself: whoever
	// wrote the configuration of a clone must not choose who gets it.
	if o.BaseURL == "" {
		if host != "github.com" {
			return o, usage("set GITHUB_API_URL, such as https://"+host+"/api/v3", "--open-pr: %s is not github.com", host)
		}
		o.ServerURL = "https://github.com"
	}
	return o, nil
}

// splitRemote returns the host and the owner/name of a remote's address, both forms of which git takes.
func splitRemote(address string) (host, name string) {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		host, name = u.Hostname(), u.Path
	} else if before, after, ok := strings.Cut(address, ":"); ok {
		host, name = before, after
	}
	name = strings.TrimSuffix(strings.Trim(name, "/"), ".git")
	if strings.Count(name, "/") != 1 {
		return host, ""
	}
	return host, name
}

// repositoryRoot returns the folder that holds .git; dir itself where there is none.
func repositoryRoot(dir string) string {
	if repository := repositoryOf(dir); repository != "" {
		return strings.TrimSuffix(repository, ".git")
	}
	return dir
}

// fixMode is the value of the input fix.
type fixMode string

const (
	fixNone    fixMode = "none"
	fixRequest fixMode = "pull-request"
)

// String implements pflag.Value.
func (m *fixMode) String() string { return string(*m) }

// Set implements pflag.Value.
func (m *fixMode) Set(text string) error {
	switch fixMode(text) {
	case fixNone, fixRequest:
		*m = fixMode(text)
		return nil
	}
	return fmt.Errorf("%q is neither none nor pull-request", text)
}

// Type implements pflag.Value.
func (*fixMode) Type() string { return "none|pull-request" }
