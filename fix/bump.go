package fix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// moves plans the moves to other releases, before anything else is planned for the same images.
func (p *planner) moves() {
	for i := range p.res.Findings {
		if f := &p.res.Findings[i]; f.Status != scanner.StatusSuppressed && f.Fix != nil && f.Fix.Bump != nil && f.Fix.Bump.Major {
			p.bump(f)
		}
	}
}

// bump plans what a finding of a machine image says: all images of one series are one change, with the entry of each region, and
// so is each move to another release.
func (p *planner) bump(f *scanner.Finding) {
	b := *f.Fix.Bump
	if b.Major && (p.opts.Majors == MajorsNever || p.opts.Majors == MajorsAct && !p.urgent(b.Series)) {
		p.unfixed("only-major", fmt.Sprintf("only another release clears it: %s in the place of %s", scanner.Plain(string(b.To)), scanner.Plain(string(b.From))), f)
		return
	}
	for _, c := range p.changes { // an image that is left for another release needs no newer one of its own
		if c.Kind == KindMachineImage && c.Major && !b.Major && slices.ContainsFunc(c.Bumps, func(other Bump) bool { return other.From == b.From }) {
			c.clear(f)
			return
		}
	}
	parts := []string{b.Series}
	if b.Major {
		parts = append(parts, "release") // a change of its own: it asks for more than a newer image does
		if isImageID(b.From) {
			parts = append(parts, "ids") // that it is needed no more only an account can tell
		}
	}
	c := p.change(NewChange(KindMachineImage, parts...))
	c.Bumps = append(c.Bumps, Bump{Bump: b, Before: imageOf(p.res, b.From)})
	for _, e := range f.Fix.Edits {
		if !slices.Contains(c.Edits, e) {
			c.Edits = append(c.Edits, e)
		}
	}
	c.Major = c.Major || b.Major
	c.clear(f)
}

func isImageID(id inventory.ID) bool { return strings.HasPrefix(string(id), "ami-") }

// urgent reports whether one of the moves of a series clears what has to be acted on: then all of them are made, as the families
// of a system have to agree.
func (p *planner) urgent(series string) bool {
	return slices.ContainsFunc(p.res.Findings, func(f scanner.Finding) bool {
		return f.Status != scanner.StatusSuppressed && f.Tier == scanner.TierAct && f.Fix != nil && f.Fix.Bump != nil && f.Fix.Bump.Major && f.Fix.Bump.Series == series
	})
}

// isImage reports whether a finding is about a machine image, whose packages no manager can raise.
func (p *planner) isImage(f *scanner.Finding) bool {
	if f.Fix != nil && f.Fix.Bump != nil {
		return true
	}
	return p.res.Package(f.Subject) == nil && slices.ContainsFunc(p.res.MachineImages, func(m inventory.MachineImage) bool { return m.ID == f.Subject })
}

// imageOf returns what a result knows of the image that code names so.
func imageOf(res *scanner.Result, name inventory.ID) Image {
	for i := range res.MachineImages {
		if m := &res.MachineImages[i]; m.ID == name {
			return Image{Name: m.Name, Owner: m.Owner, CreatedAt: m.CreatedAt, DeprecatedAt: m.DeprecatedAt, EndOfLife: m.EndOfLife}
		}
	}
	return Image{}
}

// String says what takes the place of what, in one line.
func (b *Bump) String() string {
	text := fmt.Sprintf("%s%s -> %s%s", b.From, b.Before, b.To, b.After)
	if b.Region != "" {
		text += " in " + b.Region
	}
	return scanner.Plain(text)
}

// String returns the days of an image in brackets; nothing where none is known.
func (i Image) String() string {
	var days []string
	for _, day := range []struct{ what, day string }{{"created", i.CreatedAt}, {"deprecated", i.DeprecatedAt}, {"end of life", i.EndOfLife}} {
		if day.day != "" {
			days = append(days, day.what+" "+day.day)
		}
	}
	if len(days) == 0 {
		return ""
	}
	return " (" + strings.Join(days, ", ") + ")"
}

// settleBumps puts the bumps of a change in order and says what they come to.
func (c *Change) settleBumps() {
	if len(c.Bumps) == 0 {
		return
	}
	slices.SortFunc(c.Bumps, func(a, b Bump) int {
		return cmp.Or(strings.Compare(a.Region, b.Region), strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)))
	})
	c.Bumps = slices.CompactFunc(c.Bumps, func(a, b Bump) bool { return a.Bump == b.Bump })
	first := c.Bumps[0]
	switch {
	case len(c.Bumps) == 1 && first.Major && first.Region != "":
		c.Title = fmt.Sprintf("Move %s from %s to %s, another release", first.Series, first.From, first.To)
	case len(c.Bumps) == 1 && first.Major:
		c.Title = fmt.Sprintf("Move from %s to %s", first.From, first.To)
	case first.Major:
		c.Title = fmt.Sprintf("Move from %s to its successor in %s", first.Series, count(len(c.Edits), "place"))
	case len(c.Bumps) == 1:
		c.Title = fmt.Sprintf("Bump %s from %s to %s", first.Series, first.From, first.To)
	default:
		regions := map[string]bool{}
		for _, b := range c.Bumps {
			regions[b.Region] = true
		}
		c.Title = fmt.Sprintf("Bump %s to its newest images", first.Series)
		if !regions[""] {
			c.Title += " in " + count(len(regions), "region")
		}
	}
	c.Title = scanner.Plain(c.Title)
	if len(c.Bumps) > 3 && !c.Major {
		c.Reasons = append(c.Reasons, "each is the newest available image of its series in its region, of the same owner and architecture")
		return
	}
	for _, b := range c.Bumps {
		c.Reasons = append(c.Reasons, b.reasons()...)
	}
}

// reasons say why it is this image, and what comes with it.
func (b *Bump) reasons() []string {
	if !b.Major {
		where := ""
		if b.Region != "" {
			where = " in " + b.Region
		}
		return []string{fmt.Sprintf("%s is the newest available image of its series%s, of the same owner and architecture", b.To, where)}
	}
	all := []string{"another release of the system, the nearest one that is supported for a year; the architecture stays"}
	if to := string(b.To); strings.HasPrefix(to, "AL2023_") || strings.HasPrefix(to, "amazon-eks-node-al2023-") || strings.Contains(to, "/eks/optimized-ami/") || strings.HasPrefix(to, "al2023@") {
		all = append(all, "nodes of Amazon Linux 2023 are set up by nodeadm: user data of your own has to change with it")
	}
	return all
}

// know takes over what the scan of the changed tree knows of the new images.
func (c *Change) know(after *scanner.Result) {
	c.Bumps = slices.Clone(c.Bumps)
	for i := range c.Bumps {
		c.Bumps[i].After = imageOf(after, c.Bumps[i].To)
	}
}
