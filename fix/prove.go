package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Judge scans a tree by the same sources, scanners and decisions as the scan that the plan was made of.
type Judge func(ctx context.Context, tree *inventory.Tree) (*scanner.Result, error)

// DroppedError says that a change was written and not kept, because the second scan does not bear it out or because no
// manager could write it.
type DroppedError struct {
	Change *Change
	Code   string // not-written, not-cleared, introduces
	Why    string
}

func (e *DroppedError) Error() string { return fmt.Sprintf("%s: %s", e.Change.Title, e.Why) }

// Apply writes a change into the workspace and proves it: the changed tree is scanned, and what the change clears is
// what that scan no longer finds. before is the result of the workspace as it is. It returns the result of the changed
// one. On an error the workspace is as before; a *DroppedError is the change's own fault.
func (p *Plan) Apply(ctx context.Context, ws *Workspace, c *Change, before *scanner.Result, judge Judge) (*scanner.Result, error) {
	is := index(before)
	if len(c.Clears) > 0 && !slices.ContainsFunc(c.Clears, func(f Finding) bool { return is[f.Fingerprint] }) {
		return nil, &DroppedError{Change: c, Code: "already-cleared", Why: "what it clears is gone already"}
	}
	var dropped *DroppedError
	ways := len(c.others) + 1
	for way := range ways {
		attempt := *c
		if way > 0 {
			attempt.instead(c.others[way-1])
		}
		after, err := p.attempt(ctx, ws, &attempt, before, judge)
		if err == nil {
			*c = attempt
			return after, nil
		}
		var again *DroppedError
		if !errors.As(err, &again) {
			return nil, err
		}
		if dropped == nil {
			dropped = again
			dropped.Change = c
		}
		if missing := (*ToolError)(nil); errors.As(err, &missing) && missing.Missing {
			break
		}
	}
	return nil, dropped
}

func (e *DroppedError) Unwrap() error { return nil }

// Drop takes a change out of the plan's promises: what it was to clear is not fixed. Whoever calls it takes the change
// itself out of Changes.
func (p *Plan) Drop(d *DroppedError) {
	if d.Code == "already-cleared" {
		return
	}
	for _, f := range d.Change.Clears {
		f.Why = d.Why
		p.Unfixed = append(p.Unfixed, Unfixed{Finding: f, Code: d.Code})
	}
	p.sortUnfixed()
}

// attempt writes one way of a change.
func (p *Plan) attempt(ctx context.Context, ws *Workspace, c *Change, before *scanner.Result, judge Judge) (*scanner.Result, error) {
	trial := ws.Clone()
	slog.DebugContext(ctx, "writes a change", "change", c.Title, "ways", len(c.others))
	if err := p.write(ctx, trial, c); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &DroppedError{Change: c, Code: "not-written", Why: scanner.Plain(err.Error())}
	}
	c.Files = differing(ws, trial)
	if len(c.Files) == 0 {
		return nil, &DroppedError{Change: c, Code: "not-written", Why: "nothing changed"}
	}
	tree, err := trial.Walk(ctx)
	if err != nil {
		return nil, err
	}
	slog.DebugContext(ctx, "scans the changed tree", "change", c.Title)
	after, err := judge(ctx, tree)
	if err != nil {
		return nil, err
	}
	if err := c.prove(before, after); err != nil {
		return nil, err
	}
	c.know(after)
	ws.changed, ws.base = trial.changed, trial.base
	return after, nil
}

// instead puts another way in the place of the one that could not be written. Only a change with one upgrade has any.
func (c *Change) instead(sol solution) {
	first := c.jobs[0].project
	c.jobs = []job{{project: first, targets: sol.targets}}
	c.Upgrades = nil
	for _, t := range sol.targets {
		u := Upgrade{Ecosystem: first.Manager.Ecosystem, Manager: first.Manager.Name, Path: first.Path, Package: t.Package, From: t.From, To: t.To, How: t.How, Major: first.Manager.breaks(&t)}
		if len(t.Lines) > 0 {
			u.Constraint = t.Lines[0].To
		}
		c.Upgrades = append(c.Upgrades, u)
	}
	c.Reasons = []string{"the least invasive way could not be written"}
	for _, r := range sol.reasons {
		c.Reasons = append(c.Reasons, r.text)
	}
	c.told = nil
	c.main, c.Title, c.Major = sol.main, "", false
	c.settle()
}

// write lets each manager write its part and then makes the edits.
func (p *Plan) write(ctx context.Context, ws *Workspace, c *Change) error {
	for _, j := range c.jobs {
		registry, err := p.registries.of(ctx, j.project.Manager)
		if err != nil {
			return err
		}
		err = j.project.Manager.Write(ctx, &Job{Env: p.registries.env, Workspace: ws, Project: j.project, Targets: j.targets, Registry: registry, CoolDown: p.coolDown})
		if err != nil {
			return err
		}
	}
	return edit(ws, c.Edits)
}

// differing returns the paths whose content differs between two workspaces of one tree.
func differing(a, b *Workspace) []string {
	var all []string
	for _, name := range b.Changed() {
		was, err := a.ReadFile(name)
		if err == nil && bytes.Equal(was, b.changed[name]) {
			continue
		}
		all = append(all, name)
	}
	for _, name := range a.Changed() {
		if _, ok := b.changed[name]; !ok && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// prove fills the proof of a change from the scans before and after it.
func (c *Change) prove(before, after *scanner.Result) error {
	planned := map[string]bool{}
	for _, f := range c.Clears {
		planned[f.Fingerprint] = true
	}
	d := difference(before, after)
	proof := &Proof{Before: d.before, After: d.after, Cleared: []Finding{}, Unproven: c.unproven(), Remaining: []Finding{}, New: []Finding{}}
	for _, f := range proof.Unproven {
		delete(planned, f.Fingerprint)
	}
	for _, f := range d.fresh {
		proof.New = append(proof.New, about(f, ""))
	}
	done := 0
	for _, f := range d.cleared {
		proof.Cleared = append(proof.Cleared, about(f, ""))
		if planned[f.Fingerprint] {
			done++
			delete(planned, f.Fingerprint)
		}
	}
	for _, f := range c.Clears {
		if planned[f.Fingerprint] {
			f.Why = "it was to be cleared and is still there"
			proof.Remaining = append(proof.Remaining, f)
		}
	}
	for _, f := range c.Remains {
		if d.still[f.Fingerprint] {
			proof.Remaining = append(proof.Remaining, f)
		}
	}
	for _, list := range [][]Finding{proof.Cleared, proof.Remaining, proof.New} {
		sortFindings(list)
	}
	c.Proof = proof
	switch {
	case len(proof.New) > 0:
		return &DroppedError{Change: c, Code: "introduces", Why: fmt.Sprintf("it brings %s in (%s)", count(len(proof.New), "finding"), some(proof.New))}
	case len(lost(before, after)) > 0:
		return &DroppedError{Change: c, Code: "not-read", Why: "a file that it changed can no longer be read whole"}
	case done == 0 && c.provable():
		return &DroppedError{Change: c, Code: "not-cleared", Why: fmt.Sprintf("after it %s still there", isAre(len(planned)))}
	}
	c.Clears, c.Remains = append(slices.Clone(proof.Cleared), proof.Unproven...), proof.Remaining
	return nil
}

// compared is what two scans differ in.
type compared struct {
	before, after  int // findings that are not suppressed
	cleared, fresh []*scanner.Finding
	still          map[string]bool // fingerprints of the first that are in the second
}

// difference pairs the findings of two scans. Those whose fingerprints differ only in their number (the same advisory in
// several versions of a package in one lock file) are paired by version first: what is left over of the first scan is
// cleared, what is left over of the second is new.
func difference(before, after *scanner.Result) compared {
	d := compared{still: map[string]bool{}}
	trunk := func(f *scanner.Finding) string { s, _, _ := strings.Cut(f.Fingerprint, "/"); return s }
	left := map[string][]*scanner.Finding{}
	for i := range after.Findings {
		if f := &after.Findings[i]; f.Status != scanner.StatusSuppressed {
			d.after++
			left[trunk(f)] = append(left[trunk(f)], f)
		}
	}
	pair := func(f *scanner.Finding, same func(*scanner.Finding) bool) bool {
		list := left[trunk(f)]
		i := slices.IndexFunc(list, same)
		if i < 0 {
			return false
		}
		left[trunk(f)] = slices.Delete(list, i, i+1)
		d.still[f.Fingerprint] = true
		return true
	}
	var unpaired []*scanner.Finding
	for i := range before.Findings {
		f := &before.Findings[i]
		if f.Status == scanner.StatusSuppressed {
			continue
		}
		d.before++
		if !pair(f, func(g *scanner.Finding) bool { return g.Subject == f.Subject }) {
			unpaired = append(unpaired, f)
		}
	}
	rest := unpaired[:0:0]
	for _, f := range unpaired {
		if !pair(f, func(*scanner.Finding) bool { return true }) {
			rest = append(rest, f)
		}
	}
	// A newer go.mod lists what only go.sum did: the same package of the same project then stands in the file beside it. Two
	// machine images that become one are one finding, of whichever workload and place comes first.
	for _, f := range rest {
		moved := false
		for trunk, list := range left {
			i := slices.IndexFunc(list, func(g *scanner.Finding) bool {
				return g.RuleID == f.RuleID && (samePlace(f, g) || unversioned(g.Subject) == unversioned(f.Subject) && folderOf(g.Location.Path) == folderOf(f.Location.Path))
			})
			if i >= 0 {
				left[trunk] = slices.Delete(list, i, i+1)
				d.still[f.Fingerprint], moved = true, true
				break
			}
		}
		if !moved {
			d.cleared = append(d.cleared, f)
		}
	}
	for i := range after.Findings {
		if f := &after.Findings[i]; slices.Contains(left[trunk(f)], f) {
			d.fresh = append(d.fresh, f)
		}
	}
	return d
}

// samePlace reports whether two findings of machine images share a place: an image has as many as code names it in.
func samePlace(f, g *scanner.Finding) bool {
	if f.Kind != scanner.KindMachineImage || g.Kind != scanner.KindMachineImage {
		return false
	}
	is := func(a, b inventory.Location) bool { return a.Path == b.Path && a.Line == b.Line }
	among := func(f *scanner.Finding, at inventory.Location) bool {
		return is(f.Location, at) || slices.ContainsFunc(f.Related, func(r scanner.Related) bool { return is(r.Location, at) })
	}
	return among(g, f.Location) || slices.ContainsFunc(f.Related, func(r scanner.Related) bool { return among(g, r.Location) })
}

// unversioned cuts version and qualifiers off a package URL.
func unversioned(id inventory.ID) string {
	s, _, _ := strings.Cut(string(id), "?")
	if at := strings.LastIndexByte(s, '@'); at > strings.LastIndexByte(s, '/') {
		s = s[:at]
	}
	return s
}

// index returns the fingerprints of the findings that are not suppressed.
func index(res *scanner.Result) map[string]bool {
	all := make(map[string]bool, len(res.Findings))
	for i := range res.Findings {
		if f := &res.Findings[i]; f.Status != scanner.StatusSuppressed {
			all[f.Fingerprint] = true
		}
	}
	return all
}

// lost returns the files that have a notice which they had not before: findings that are gone because a lock file became
// unreadable prove nothing.
func lost(before, after *scanner.Result) []string {
	known := map[string]bool{}
	key := func(n inventory.Notice) string { return n.Code + "\x00" + n.Location.Path }
	for _, n := range before.Notices {
		if n.Location != nil {
			known[key(n)] = true
		}
	}
	var all []string
	for _, n := range after.Notices {
		if n.Location != nil && !known[key(n)] {
			all = append(all, n.Location.Path)
		}
	}
	return all
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func isAre(n int) string {
	if n == 1 {
		return "the finding is"
	}
	return fmt.Sprintf("all %d findings are", n)
}

func some(findings []Finding) string {
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.RuleID+" in "+string(f.Subject))
	}
	const most = 3
	if n := len(ids) - most; n > 0 {
		return scanner.Plain(fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), n))
	}
	return scanner.Plain(strings.Join(ids, ", "))
}
