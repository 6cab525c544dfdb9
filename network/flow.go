package network

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// flow is connections twice: as the client makes them (its address, the port that it dials) and as they arrive.
type flow struct{ origin, at Set }

func (f flow) maybe(why Bits) flow { return flow{f.origin.Maybe(why), f.at.Maybe(why)} }

// stream is what gets through on one way by one listener. exact is what does; loose is the same before it is cut to the
// internet and by routes to elsewhere: what sources are printed from.
type stream struct {
	exact, loose flow
	same         bool // nothing has changed between client and arrival: origin is at
}

func (s stream) maybe(why Bits) stream {
	return stream{s.exact.maybe(why), s.loose.maybe(why), s.same}
}

// way is one way to a node, and what gets through.
type way struct {
	// nodes lead from where the question comes from up to the node, which is not among them.
	nodes       []inventory.ID
	streams     []stream
	shields     []string
	assumptions []string
	front       inventory.ID // the first proxy or door; empty for a direct way
	proof       []proof
	subnets     []*subnet // in which it arrives
	through     []*node   // the proxies that it passes
}

// maxStreams bounds the streams of one way; more are joined.
const maxStreams = 48

// open reports whether connections with ports get through: for certain, and maybe.
func (w *way) open() (certain, may bool) {
	for _, s := range w.streams {
		c, m := s.exact.origin.hasPorts()
		certain, may = certain || c, may || m
	}
	return certain, may
}

// dials reports whether what comes by the way may dial the listener that an edge starts from.
func (w *way) dials(e *edge) bool {
	return e.port.IsEmpty() || slices.ContainsFunc(w.streams, func(s stream) bool { return s.exact.at.only(e.proto, e.port).some() })
}

// proof finds the guards that let a way pass. They are asked for when a result shows the way.
type proof func(list []Guard) []Guard

// maxGuards bounds the guards that one path shows.
const maxGuards = 200

func (w *way) guards() []Guard {
	list := []Guard{}
	for _, p := range w.proof {
		layer := p(nil)
		slices.SortStableFunc(layer, Guard.compare)
		for _, guard := range layer {
			if len(list) < maxGuards && !slices.Contains(list, guard) {
				list = append(list, guard)
			}
		}
	}
	return list
}

func (a Guard) compare(b Guard) int {
	return cmp.Or(strings.Compare(string(a.At), string(b.At)), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule))
}

func addGuard(list []Guard, at inventory.ID, loc inventory.Location, text string) []Guard {
	guard := Guard{At: at, Rule: text, File: loc.Path, Line: loc.Line, Effect: "allow"}
	if at == "" || len(list) >= maxGuards || slices.Contains(list, guard) {
		return list
	}
	return append(list, guard)
}

// same reports whether two ways pass the same nodes.
func (w *way) same(v *way) bool { return slices.Equal(w.nodes, v.nodes) }

// merge adds what passes by an equal way.
func (w *way) merge(v *way) {
	for _, s := range v.streams {
		w.add(s)
	}
	w.proof = append(w.proof, v.proof...)
	w.shields = common(w.shields, v.shields)
	w.assumptions = addTo(slices.Clone(w.assumptions), v.assumptions...)
	for _, s := range v.subnets {
		if !contains(w.subnets, s) {
			w.subnets = append(w.subnets, s)
		}
	}
}

// add adds a stream. Streams without change on the way are one.
func (w *way) add(s stream) {
	for i := range w.streams {
		t := &w.streams[i]
		if s.same && t.same || len(w.streams) >= maxStreams && !s.same && !t.same {
			t.exact = flow{t.exact.origin.Union(s.exact.origin), t.exact.at.Union(s.exact.at)}
			t.loose = flow{t.loose.origin.Union(s.loose.origin), t.loose.at.Union(s.loose.at)}
			return
		}
	}
	w.streams = append(w.streams, s)
}

func common(a, b []string) []string {
	var both []string
	for _, x := range a {
		if slices.Contains(b, x) {
			both = append(both, x)
		}
	}
	return both
}

// mergeWays joins ways that pass the same nodes.
func mergeWays(list []*way, more ...*way) []*way {
	for _, w := range more {
		if i := slices.IndexFunc(list, w.same); i >= 0 {
			list[i].merge(w)
			continue
		}
		list = append(list, w)
	}
	return list
}

// proveGroups returns the rules of groups that let a part of a set pass.
func (g *Graph) proveGroups(gs *groupSet, s *sender, egress bool, passed Set) proof {
	return func(list []Guard) []Guard {
		if gs == nil {
			return list
		}
		for _, group := range gs.groups {
			if group.unknown != "" {
				list = addGuard(list, group.at, group.loc, "security group outside of the code")
				continue
			}
			for i := range group.rules {
				r := &group.rules[i]
				if r.egress != egress || len(list) >= maxGuards {
					continue
				}
				if g.lets(r, s, passed) {
					list = addGuard(list, r.at, r.loc, r.text())
				}
			}
		}
		return list
	}
}

// lets reports whether a rule lets some of a set pass.
func (g *Graph) lets(r *rule, s *sender, passed Set) bool {
	for _, c := range r.clauses(s, "") {
		for _, key := range c.keys {
			if !key.hasPorts() && len(c.keys) <= 2 {
				continue
			}
			peer := c.peer.Family(key.Family)
			for _, b := range passed.facing(key) {
				if b.Peer.Overlaps(peer) && !b.Local.Intersect(c.local).IsEmpty() {
					return true
				}
			}
		}
	}
	return false
}

// proveACL returns the rules of written ACLs that let a part of a set pass.
func (g *Graph) proveACL(n *subnet, egress bool, passed Set) proof {
	return func(list []Guard) []Guard {
		for _, o := range n.acls {
			if o.of == nil || o.of.implied {
				continue
			}
			for i := range o.of.rules {
				r := &o.of.rules[i]
				if r.egress != egress || r.deny || len(list) >= maxGuards {
					continue
				}
				for _, key := range r.keys {
					if !key.hasPorts() {
						continue
					}
					box := Box{Peer: r.peer.Family(key.Family), Local: r.ports, PeerPorts: allPorts}
					if slices.ContainsFunc(passed.Boxes(key), func(b Box) bool {
						if egress {
							b.Local, b.PeerPorts = b.PeerPorts, allPorts
						}
						return b.overlaps(box)
					}) {
						list = addGuard(list, r.at, r.loc, r.text())
						break
					}
				}
			}
		}
		return list
	}
}

// proveRoute returns the routes that lead back to where a set comes from.
func (g *Graph) proveRoute(tables []option[*table], f Family, wanted func(*gateway) bool, peers IPSet) proof {
	return func(list []Guard) []Guard {
		for _, o := range tables {
			for i := range o.of.routes {
				x := &o.of.routes[i]
				if x.family != f {
					continue
				}
				if _, may := x.leadsTo(wanted); may && (x.unknown != "" || x.dest.Overlaps(peers)) {
					list = addGuard(list, x.at, x.loc, x.text())
				}
			}
		}
		return list
	}
}

func (x *route) text() string {
	var b strings.Builder
	b.WriteString("route ")
	if x.unknown != "" {
		b.WriteString("of a range that is not known")
	} else {
		b.WriteString(x.dest.String())
	}
	if x.target != nil {
		b.WriteString(" to ")
		if x.target.address != "" {
			b.WriteString(string(x.target.address))
		} else {
			b.WriteString(string(x.target.kind))
		}
	}
	return b.String()
}
