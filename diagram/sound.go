package diagram

import "slices"

// Sound returns the drawing without what can't be drawn, as in a saved one that somebody has changed: groups without an id
// or with one that is taken, and places in groups that are not there. A group stands in one that comes before it in the
// list, so that none is around itself. A drawing of Build is returned as it is.
func (d *Drawing) Sound() *Drawing {
	known := make(map[string]bool, len(d.Groups))
	sound := true
	for _, g := range d.Groups {
		sound = sound && g.ID != "" && !known[g.ID] && (g.Parent == "" || known[g.Parent])
		known[g.ID] = true
	}
	for i := range d.Nodes {
		sound = sound && !slices.ContainsFunc(d.Nodes[i].Groups, func(g string) bool { return !known[g] })
	}
	if sound {
		return d
	}
	out := &Drawing{Edges: d.Edges}
	clear(known)
	for _, g := range d.Groups {
		if g.ID == "" || known[g.ID] {
			continue
		}
		if !known[g.Parent] {
			g.Parent = ""
		}
		known[g.ID] = true
		out.Groups = append(out.Groups, g)
	}
	for _, n := range d.Nodes {
		n.Groups = slices.DeleteFunc(slices.Clone(n.Groups), func(g string) bool { return !known[g] })
		out.Nodes = append(out.Nodes, n)
	}
	return out
}
