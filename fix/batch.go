package fix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// ApplyAll writes all changes of the plan into the workspace and proves them. What comes out is what Apply makes of them
// one after the other, in far less time: the package manager of a project is asked once for all changes of the project,
// and the tree that has all changes is scanned once. Where that does not bear all of them out, the changes of the projects
// that are to blame are taken apart: those that the failure is put down to are tried after the others, and where nothing
// says which those are, the halves of all, down to single changes.
//
// Afterwards Changes are those that hold, and what the others were to clear is among Unfixed. It returns the result of the
// changed tree. The error is no change's own fault; the workspace then holds the changes that were proven before it.
func (p *Plan) ApplyAll(ctx context.Context, ws *Workspace, before *scanner.Result, judge Judge) (*scanner.Result, error) {
	b := &batch{plan: p, ws: ws, now: before, judge: judge, made: map[*Change]bool{}}
	all := make([]*Change, len(p.Changes))
	for i := range p.Changes {
		all[i] = &p.Changes[i]
		for _, j := range all[i].jobs { // what several lots then only read
			if _, err := p.registries.of(ctx, j.project.Manager); err != nil {
				slog.DebugContext(ctx, "no registry", "manager", j.project.Manager.Name, "error", err) // whoever writes says so
			}
		}
	}
	err := b.apply(ctx, all)
	kept := []Change{}
	for _, c := range all {
		if b.made[c] {
			kept = append(kept, *c)
		}
	}
	p.Changes = kept
	return b.now, err
}

// batch is one run of ApplyAll.
type batch struct {
	plan  *Plan
	ws    *Workspace
	now   *scanner.Result // of ws
	judge Judge
	made  map[*Change]bool
}

// lot is changes that write into the same files, and so have to be written by one hand.
type lot struct {
	changes []*Change
	reads   map[string]bool   // the files of its projects
	files   map[string][]byte // what it makes of those that it changes
	later   map[*Change]bool  // changes that the others make needless, or that the proof fails by
	why     string            // the proof fails; empty where it does not
}

// apply makes changes, together where that is possible.
func (b *batch) apply(ctx context.Context, changes []*Change) error {
	is := index(b.now)
	changes = slices.DeleteFunc(slices.Clone(changes), func(c *Change) bool { return c.isDone(is) })
	switch len(changes) {
	case 0:
		return nil
	case 1:
		return b.alone(ctx, changes[0])
	}
	lots := lotsOf(changes)
	failed, err := b.write(ctx, lots)
	if err != nil {
		return err
	}
	lots = slices.DeleteFunc(lots, func(l *lot) bool { return slices.Contains(failed, l) })
	for len(lots) > 0 {
		doubtful, err := b.prove(ctx, lots)
		if err != nil {
			return err
		}
		if len(doubtful) == 0 {
			break
		}
		failed = append(failed, doubtful...)
		lots = slices.DeleteFunc(lots, func(l *lot) bool { return slices.Contains(doubtful, l) })
	}
	for _, l := range failed {
		for _, some := range l.apart() {
			if err := b.apply(ctx, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// isDone reports whether nothing is left of what the change is to clear.
func (c *Change) isDone(findings map[string]bool) bool {
	return len(c.Clears) > 0 && !slices.ContainsFunc(c.Clears, func(f Finding) bool { return findings[f.Fingerprint] })
}

// alone makes one change, in whichever way is possible.
func (b *batch) alone(ctx context.Context, c *Change) error {
	after, err := b.plan.Apply(ctx, b.ws, c, b.now, b.judge)
	if dropped := (*DroppedError)(nil); errors.As(err, &dropped) {
		b.plan.Drop(dropped)
		return nil
	}
	if err != nil {
		return err
	}
	b.now, b.made[c] = after, true
	return nil
}

// lotsOf joins changes that write into the same files, in the order of the first of each.
func lotsOf(changes []*Change) []*lot {
	var all []*lot
	for _, c := range changes {
		mine := &lot{reads: map[string]bool{}}
		for _, j := range c.jobs {
			mine.reads[j.project.Path] = true
			for _, name := range j.project.Files {
				mine.reads[name] = true
			}
			for _, r := range j.project.Requirements {
				mine.reads[r.Location.Path] = true
			}
		}
		for _, e := range c.Edits {
			mine.reads[e.Path] = true
		}
		mine.changes = []*Change{c}
		at := -1
		kept := all[:0]
		for _, l := range all {
			if !l.meets(mine) {
				kept = append(kept, l)
				continue
			}
			if at < 0 {
				at = len(kept)
				kept = append(kept, l)
				l.join(mine)
				mine = l
				continue
			}
			mine.join(l) // the change ties two lots together
		}
		if all = kept; at < 0 {
			all = append(all, mine)
		}
	}
	return all
}

func (l *lot) meets(q *lot) bool {
	for name := range q.reads {
		if l.reads[name] {
			return true
		}
	}
	return false
}

func (l *lot) join(q *lot) {
	maps.Copy(l.reads, q.reads)
	l.changes = append(l.changes, q.changes...)
}

// apart returns the changes in two parts to be tried one after the other: those that the proof puts its failure down to
// come after the others. Of a failure that nobody is known to be the cause of, halves know more.
func (l *lot) apart() [2][]*Change {
	var first, later []*Change
	for _, c := range l.changes {
		if l.later[c] {
			later = append(later, c)
		} else {
			first = append(first, c)
		}
	}
	if len(first) > 0 && len(later) > 0 {
		return [2][]*Change{first, later}
	}
	half := len(l.changes) / 2
	return [2][]*Change{l.changes[:half], l.changes[half:]}
}

// maxWriters is how many package managers run at once.
const maxWriters = 4

// write lets each lot be written, side by side, and returns those that could not be. The workspace stays.
func (b *batch) write(ctx context.Context, lots []*lot) (failed []*lot, err error) {
	wrong := make([]error, len(lots))
	var group errgroup.Group
	group.SetLimit(maxWriters)
	for i, l := range lots {
		group.Go(func() error {
			wrong[i] = b.writeLot(ctx, l)
			return nil
		})
	}
	_ = group.Wait() // no lot returns an error
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	taken := map[string]bool{}
	for i, l := range lots {
		for name := range l.files {
			if taken[name] {
				wrong[i] = fmt.Errorf("%s is written by another change", name)
			}
		}
		if wrong[i] != nil {
			slog.DebugContext(ctx, "changes can't be written together", "changes", len(l.changes), "error", wrong[i])
			failed = append(failed, l)
			continue
		}
		for name := range l.files {
			taken[name] = true
		}
	}
	return failed, nil
}

// writeLot writes the changes of a lot as one.
func (b *batch) writeLot(ctx context.Context, l *lot) error {
	whole := &Change{}
	for _, c := range l.changes {
		for _, j := range c.jobs {
			whole.add(j.project, j.targets...)
		}
		for _, e := range c.Edits {
			if !slices.Contains(whole.Edits, e) {
				whole.Edits = append(whole.Edits, e)
			}
		}
	}
	trial := b.ws.Clone()
	slog.DebugContext(ctx, "writes changes together", "changes", len(l.changes))
	if err := b.plan.write(ctx, trial, whole); err != nil {
		return err
	}
	l.files = map[string][]byte{}
	for _, name := range differing(b.ws, trial) {
		data, err := trial.ReadFile(name)
		if err != nil {
			return err
		}
		l.files[name] = data
	}
	if len(l.files) == 0 {
		return errors.New("nothing changed")
	}
	return nil
}

// prove scans the tree with the lots. Where the scan bears all of them out they are made, else it returns those that it
// does not, and the workspace stays.
func (b *batch) prove(ctx context.Context, lots []*lot) (doubtful []*lot, err error) {
	trial := b.ws.Clone()
	for _, l := range lots {
		for _, name := range sortedKeys(l.files) {
			if err := trial.WriteFile(name, l.files[name]); err != nil {
				return nil, err
			}
		}
	}
	tree, err := trial.Walk(ctx)
	if err != nil {
		return nil, err
	}
	slog.DebugContext(ctx, "scans the changed tree", "lots", len(lots))
	after, err := b.judge(ctx, tree)
	if err != nil {
		return nil, err
	}
	d := difference(b.now, after)
	if doubtful := doubts(lots, d, b.now, after); len(doubtful) > 0 {
		for _, l := range doubtful {
			slog.DebugContext(ctx, "changes do not hold together", "changes", len(l.changes), "later", len(l.later), "why", l.why)
		}
		return doubtful, nil
	}
	for _, l := range lots {
		l.changes = slices.DeleteFunc(l.changes, func(c *Change) bool { return l.later[c] })
	}
	share(lots, b.now, d)
	for _, l := range lots {
		for _, c := range l.changes {
			b.made[c] = true
		}
	}
	b.ws.adopt(trial)
	b.now = after
	return nil, nil
}

// doubts returns the lots that a scan does not bear out, with the changes of each that are to blame as far as that can
// be told.
func doubts(lots []*lot, d compared, before, after *scanner.Result) (doubtful []*lot) {
	for _, l := range lots {
		l.later, l.why = map[*Change]bool{}, ""
	}
	blame := func(name, why string, chain []string) {
		owners := slices.DeleteFunc(slices.Clone(lots), func(l *lot) bool { return !l.reads[name] && l.files[name] == nil })
		if len(owners) == 0 {
			owners = lots
		}
		for _, l := range owners {
			l.why = why
			for _, c := range l.changes {
				if c.raises(name, chain) {
					l.later[c] = true
				}
			}
		}
	}
	for _, f := range d.fresh {
		blame(f.Location.Path, f.RuleID+" comes in with "+string(f.Subject), chainOf(after, f))
	}
	for _, name := range lost(before, after) {
		blame(name, name+" can no longer be read whole", nil)
	}
	gone := map[string]bool{}
	for _, f := range d.cleared {
		gone[f.Fingerprint] = true
	}
	for _, l := range lots {
		for _, c := range l.changes {
			idle := c.isIdle(after)
			switch {
			case c.provable() && !slices.ContainsFunc(c.Clears, func(f Finding) bool { return gone[f.Fingerprint] }):
				l.why = c.Title + " clears nothing"
				l.later[c] = true
			case idle:
				l.later[c] = true
				if slices.ContainsFunc(c.Upgrades, func(u Upgrade) bool { return u.How != HowLock }) {
					l.why = c.Title + " is not needed beside the others"
				}
			}
		}
		if l.why != "" {
			doubtful = append(doubtful, l)
		}
	}
	return doubtful
}

// chainOf returns the packages by which the one of a finding is there, itself the last, as far as the lock file tells.
func chainOf(res *scanner.Result, f *scanner.Finding) []string {
	if pkg := res.Package(f.Subject); pkg != nil {
		for _, l := range pkg.Locations {
			if l.Path == f.Location.Path && len(l.Chain) > 0 {
				return l.Chain
			}
		}
		return []string{pkg.Name}
	}
	return nil
}

// raises reports whether the change raises one of the packages in a lock file.
func (c *Change) raises(name string, packages []string) bool {
	return slices.ContainsFunc(c.Upgrades, func(u Upgrade) bool { return u.Path == name && slices.Contains(packages, u.Package) })
}

// isIdle reports whether nothing that the change raises is there: another change took away what it is about. Only
// programs that leave out what nobody needs make it so.
func (c *Change) isIdle(after *scanner.Result) bool {
	if len(c.Upgrades) == 0 || len(c.Edits) > 0 {
		return false
	}
	return !slices.ContainsFunc(c.Upgrades, func(u Upgrade) bool {
		return u.Ecosystem != NPM.Ecosystem || slices.ContainsFunc(after.Packages, func(p inventory.Package) bool {
			return p.Name == u.Package && p.Version == u.To && slices.ContainsFunc(p.Locations, func(l inventory.PackageLocation) bool { return l.Path == u.Path })
		})
	})
}

// share gives each change its part of a proof: what it was to clear, and what went along with it.
func share(lots []*lot, before *scanner.Result, d compared) {
	var all []*Change
	for _, l := range lots {
		all = append(all, l.changes...)
	}
	for _, c := range all {
		c.Proof = &Proof{Before: d.before, After: d.after, Together: len(all), Cleared: []Finding{}, Unproven: c.unproven(), Remaining: []Finding{}, New: []Finding{}}
		if len(all) == 1 {
			c.Proof.Together = 0
		}
	}
	for _, f := range d.cleared {
		c := responsible(lots, all, before, f)
		c.Proof.Cleared = append(c.Proof.Cleared, about(f, ""))
	}
	for _, l := range lots {
		for _, c := range l.changes {
			for _, f := range c.Clears {
				if d.still[f.Fingerprint] && c.unseen[f.Fingerprint] == "" {
					f.Why = "it was to be cleared and is still there"
					c.Proof.Remaining = append(c.Proof.Remaining, f)
				}
			}
			for _, f := range c.Remains {
				if d.still[f.Fingerprint] {
					c.Proof.Remaining = append(c.Proof.Remaining, f)
				}
			}
			sortFindings(c.Proof.Cleared)
			sortFindings(c.Proof.Remaining)
			c.Clears, c.Remains, c.Files = append(slices.Clone(c.Proof.Cleared), c.Proof.Unproven...), c.Proof.Remaining, l.written(c)
		}
	}
}

// responsible returns the change that a finding is gone by: the one that was to clear it, else the one that raises what
// brought it in, else the first of its file.
func responsible(lots []*lot, all []*Change, before *scanner.Result, f *scanner.Finding) *Change {
	for _, c := range all {
		if slices.ContainsFunc(c.Clears, func(g Finding) bool { return g.Fingerprint == f.Fingerprint }) {
			return c
		}
	}
	for _, name := range chainOf(before, f) {
		for _, c := range all {
			if c.raises(f.Location.Path, []string{name}) {
				return c
			}
		}
	}
	for _, l := range lots {
		if l.reads[f.Location.Path] && len(l.changes) > 0 {
			return l.changes[0]
		}
	}
	return all[0]
}

// written returns the files that a change has a part in. A manifest in which other changes have lines is theirs alone
// where it has none.
func (l *lot) written(c *Change) []string {
	own, others := c.lines(), map[string]bool{}
	for _, d := range l.changes {
		maps.Copy(others, d.lines())
	}
	for _, j := range c.jobs {
		own[j.project.Path] = true
		for _, name := range j.project.Files {
			own[name] = own[name] || !others[name]
		}
	}
	return slices.DeleteFunc(sortedKeys(l.files), func(name string) bool { return !own[name] && (l.reads[name] || others[name]) })
}

// lines returns the files of which the change says the lines, the manifests that an override may be written into among
// them.
func (c *Change) lines() map[string]bool {
	all := map[string]bool{}
	for _, j := range c.jobs {
		for _, t := range j.targets {
			for _, line := range t.Lines {
				all[line.Location.Path] = true
			}
			for _, name := range j.project.Files {
				all[name] = all[name] || t.How == HowOverride && name != j.project.Path
			}
		}
	}
	for _, e := range c.Edits {
		all[e.Path] = true
	}
	maps.DeleteFunc(all, func(_ string, says bool) bool { return !says })
	return all
}
