package ami

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// succeed makes the fix of a finding the move to another release, where the name of the image there is known.
func (p *pass) succeed(f *scanner.Finding, r *machine.Reference, next, system string) {
	switch {
	case next != "":
		r.Replacement = inventory.ID(next)
		b := scanner.Bump{Series: string(r.ID), To: inventory.ID(next), Major: true}
		switch {
		case isID(r.ID):
			b.Series, b.Region = cmp.Or(p.Account[Key(r)].Series, r.System.Name), r.Region
		case r.Form == machine.Family: // the families of one system are changed together: they have to agree
			b.Series = r.System.Name
		}
		p.bump(f, r, b)
	case isID(r.ID):
		f.Fix.Message = fmt.Sprintf("move to an image of %s; which one that is in the region, only AWS knows (--aws), and of public images alone: refer to it by a public parameter or a data source", system)
	default:
		f.Fix.Message += "; the publisher has no name for it that follows from this one"
	}
}

// newest makes the fix of a finding the newest image of the series, where the account knows it.
func (p *pass) newest(f *scanner.Finding, r *machine.Reference, a Answer) {
	next := a.next(r)
	switch {
	case next != "" && next != r.ID && isID(r.ID) == isID(next):
		p.bump(f, r, scanner.Bump{Series: cmp.Or(a.Series, r.System.Name, string(r.ID)), To: next, Region: r.Region})
	case a.NewestName != "": // a pattern or a path, which leads to more than one image
		f.Fix.Message = fmt.Sprintf("refer to what leads to %s (%s)", a.NewestName, a.Newest)
	case p.Account == nil:
		f.Fix.Message = "name a newer one; which one is the newest AWS knows alone: --aws or --aws-snapshot"
	default:
		f.Fix.Message = "name a newer one; AWS told of none in its series"
	}
}

// bump gives a finding the edits that put another image in the place of the one that is named, everywhere where it is. The
// message says why where that can't be done.
func (p *pass) bump(f *scanner.Finding, r *machine.Reference, b scanner.Bump) {
	b.From = r.ID
	edits, why := p.edits(r, string(b.To))
	if why != "" {
		f.Fix.Message = fmt.Sprintf("name %s in the place of %s by hand: %s", b.To, b.From, why)
		return
	}
	f.Fix = &scanner.Fix{Message: fmt.Sprintf("name %s in the place of %s", b.To, b.From), Edits: edits, Bump: &b}
}

func isID(id inventory.ID) bool { return strings.HasPrefix(string(id), "ami-") }

// edits returns the edits that write another name in all places of a reference, or why there are none.
func (p *pass) edits(r *machine.Reference, to string) (edits []scanner.Edit, why string) {
	from := string(r.ID)
	places := slices.Clone(r.Places)
	if isID(r.ID) { // an id is the same image in every form
		for i := range p.References {
			if other := &p.References[i]; other != r && other.ID == r.ID {
				places = append(places, other.Places...)
			}
		}
	}
	switch {
	case p.Read == nil:
		return nil, "the files are not there to be edited"
	case len(places) == 0 || len(r.Elsewhere) > 0 && !isID(r.ID):
		return nil, p.elsewhere(r)
	}
	slices.SortFunc(places, inventory.Location.Compare)
	places = slices.Compact(places)
	for len(places) > 0 {
		at := places[0]
		n := slices.IndexFunc(places, func(l inventory.Location) bool { return l.Path != at.Path || l.Line != at.Line })
		if n < 0 {
			n = len(places)
		}
		line, ok := p.line(at.Path, at.Line)
		if !ok {
			return nil, "it comes from outside of the tree, or from a file that is gone: " + at.Path
		}
		text, ok := rewrite(line, from, to, places[:n])
		if !ok {
			return nil, fmt.Sprintf("%s:%d does not have it as a word of its own", at.Path, at.Line)
		}
		edits = append(edits, scanner.Edit{Path: at.Path, Line: at.Line, EndLine: at.Line, Text: text})
		places = places[n:]
	}
	return edits, ""
}

// elsewhere says why a name has no place where it could be replaced.
func (p *pass) elsewhere(r *machine.Reference) string {
	at := append(slices.Clone(r.Elsewhere), r.Text)[0]
	if _, ok := p.line(at.Path, at.Line); ok {
		return fmt.Sprintf("at %s:%d it is put together of other values", at.Path, at.Line)
	}
	return "it comes from outside of the tree"
}

// line returns a line of a file without its end.
func (p *pass) line(path string, number int) (string, bool) {
	lines, ok := p.files[path]
	if !ok {
		if data, err := p.Read(path); err == nil { // a file that is gone has no line
			lines = strings.Split(string(data), "\n")
		}
		p.files[path] = lines
	}
	if number < 1 || number > len(lines) {
		return "", false
	}
	return strings.TrimSuffix(lines[number-1], "\r"), true
}

// rewrite writes another word in the places of a line that have the word. A place that is wider, such as a text with its quotes,
// means the word in it; a place without columns means the one in the line.
func rewrite(line, from, to string, places []inventory.Location) (string, bool) {
	var starts []int
	for _, at := range places {
		begin, end := 0, len(line)
		if at.Column > 0 {
			begin = min(at.Column-1, len(line))
		}
		if at.EndLine == at.Line && at.EndColumn > at.Column && at.Column > 0 {
			end = min(at.EndColumn-1, len(line))
		}
		found := words(line, from, begin, end)
		if len(found) == 0 {
			found = words(line, from, 0, len(line))
		}
		if len(found) != 1 {
			return "", false
		}
		starts = append(starts, found[0])
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	for _, start := range slices.Backward(starts) {
		line = line[:start] + to + line[start+len(from):]
	}
	return line, true
}

// words returns where a part of a line has a word as a whole: as no piece of a longer name.
func words(line, word string, begin, end int) []int {
	var all []int
	joins := func(i int) bool {
		if i < 0 || i >= len(line) {
			return false
		}
		c := line[i]
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_./-*", c) >= 0
	}
	for at := begin; at < end; {
		i := strings.Index(line[at:end], word)
		if i < 0 {
			break
		}
		i += at
		if !joins(i-1) && !joins(i+len(word)) {
			all = append(all, i)
		}
		at = i + len(word)
	}
	return all
}
