package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/git"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// prove plans the fixes of a scan and writes and proves each alone, on the tree as it is: each becomes a request that
// can be merged without the others.
func (a *app) prove(ctx context.Context, dir string, s *session, opts *fixOptions) (*proposals, error) {
	plan, err := a.planFixes(ctx, dir, s, opts)
	if err != nil {
		return nil, err
	}
	p := &proposals{
		Commit: s.res.Target.Commit, Asked: plan.Asked, Images: s.images, Limit: s.cfg.Fix.Limit, Labels: s.cfg.Fix.Labels, Unfixed: plan.Unfixed,
		Tool: s.res.Tool, Data: s.res.Run.Advisories, Allowed: s.cfg.Fix.AllowExecution, Changes: []provenChange{},
	}
	for _, n := range s.res.Notices {
		if n.Code == awsNotAsked || n.Code == awsUnknown || n.Code == awsNotAnswered {
			p.Images = false
		}
		if n.Code == "unreadable-file" || n.Code == "unreadable-folder" || n.Code == "fewer-packages-than-declared" || n.Code == "database-incomplete" {
			name := ""
			if n.Location != nil {
				name = n.Location.Path
			}
			p.Notices = append(p.Notices, name)
		}
	}
	committed, err := committedFiles(dir)
	if err != nil {
		return nil, err
	}
	for i := range plan.Changes {
		c := plan.Changes[i]
		ws := fix.NewWorkspace(s.tree)
		_, err := plan.Apply(ctx, ws, &c, s.res, s.again)
		if dropped := (*fix.DroppedError)(nil); errors.As(err, &dropped) {
			for _, f := range c.Clears {
				f.Why = dropped.Why
				p.Unfixed = append(p.Unfixed, fix.Unfixed{Finding: f, Code: dropped.Code})
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(c.Proof.Cleared) == 0 { // a request carries its proof
			for _, f := range c.Proof.Unproven {
				p.Unfixed = append(p.Unfixed, fix.Unfixed{Finding: f, Code: "not-proven"})
			}
			continue
		}
		c.Clears, c.Proof.Remaining = c.Proof.Cleared, append(c.Proof.Remaining, c.Proof.Unproven...)
		contents, err := changedFiles(ws, committed)
		if err != nil {
			return nil, err
		}
		p.Changes = append(p.Changes, provenChange{c, contents})
	}
	return p, nil
}

// planFixes plans the fixes of a scan. For requests a new major version is taken where nothing else clears what has to
// be acted on, unless the configuration wants more.
func (a *app) planFixes(ctx context.Context, dir string, s *session, choices *fixOptions) (*fix.Plan, error) {
	env := &fix.Env{Now: time.Now(), Getenv: a.getenv, AllowExecution: s.cfg.Fix.AllowExecution}
	outside, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if !choices.scan.offline { // package managers ask registries, too
		env.Client = web.New(web.Options{UserAgent: "trifecta/" + version, MaxBody: maxPackument})
		runner := &fix.Contained{Getenv: a.getenv, Temp: a.getenv("TMPDIR"), Outside: outside, Client: env.Client}
		if cache, err := os.UserCacheDir(); err == nil {
			runner.Cache = filepath.Join(cache, "trifecta", "fix")
		}
		env.Runner = runner
		env.Tags = &fix.GitTags{Client: env.Client, Server: a.getenv("GITHUB_SERVER_URL")}
	}
	days := choices.how.coolDown
	if days < 0 {
		days = s.cfg.Fix.CoolDown
	}
	opts := fix.Options{
		Env: env, Grouping: fix.Grouping(cmp.Or(choices.how.grouping, s.cfg.Fix.Grouping)), Majors: fix.Majors(choices.how.majors),
		CoolDown: time.Duration(days) * 24 * time.Hour,
	}
	if choices.how.coolDown == 0 {
		opts.CoolDown = -1
	}
	if s.data.scanner != nil {
		opts.Advisories = s.data.scanner.DB
	}
	if choices.how.requests && opts.Majors == "" && !s.cfg.Fix.Majors {
		opts.Majors = fix.MajorsAct
	}
	return fix.MakePlan(ctx, s.tree, s.res, opts)
}

// maxPackument bounds what a registry says of one package: the largest npm packages have tens of thousands of releases.
const maxPackument = 128 << 20

// committedFiles returns the files of the commit that is checked out. A request is made from these: what somebody has
// changed since must not slip into it.
func committedFiles(dir string) (fs.FS, error) {
	revisions, err := git.OpenRevisions(dir, "HEAD")
	if err != nil {
		return nil, usage("commit first", "a request is made from a commit: %w", err)
	}
	return revisions[0].FS, nil
}

// changedFiles returns what a workspace has written, with the content that the host is to have.
func changedFiles(ws *fix.Workspace, committed fs.FS) ([]forge.File, error) {
	var files []forge.File
	for _, name := range ws.Changed() {
		before, err := ws.Tree().ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		known, commitErr := fs.ReadFile(committed, name)
		if errors.Is(err, fs.ErrNotExist) != errors.Is(commitErr, fs.ErrNotExist) || !bytes.Equal(before, known) {
			return nil, usage("commit it first, or put it back", "%s is not what the checked-out commit has, and a request is made from that", name)
		}
		data, err := ws.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, forge.File{Path: name, Content: data})
	}
	return files, nil
}

// writeProposals writes proposals for the process that can reach the host.
func writeProposals(name string, p *proposals) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// maxProposals bounds what a process without a token hands over: a hundred large lock files.
const maxProposals = 512 << 20

// readProposals reads what writeProposals wrote. It takes nothing on trust: the writer has read the tree.
func readProposals(name string) (*proposals, error) {
	fail := func(err error) error { return fmt.Errorf("read the fixes: %w", err) }
	f, err := os.Open(name)
	if err != nil {
		return nil, fail(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var p proposals
	if err := json.NewDecoder(io.LimitReader(f, maxProposals)).Decode(&p); err != nil {
		return nil, fail(err)
	}
	seen := map[string]bool{}
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Key == "" || seen[c.Key] {
			return nil, fail(fmt.Errorf("the change %q stands there twice", c.Key))
		}
		seen[c.Key] = true
	}
	return &p, nil
}

// summarize says what came of each request.
func summarize(w io.Writer, all []forge.Proposal) error {
	for _, p := range all {
		number, reason := "", ""
		if p.Number > 0 {
			number = " " + p.Ref()
		}
		if p.Reason != "" {
			reason = ": " + p.Reason
		}
		if _, err := fmt.Fprintf(w, "%s%s  %s%s\n", p.State, number, p.Key, reason); err != nil {
			return err
		}
	}
	return nil
}
