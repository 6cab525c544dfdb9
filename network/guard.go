package network

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// place is where a part of a guard is written.
type place struct {
	at  inventory.ID
	loc inventory.Location
}

// rule is one rule of a security group, or one entry of a network ACL.
type rule struct {
	place
	egress bool
	deny   bool // of a network ACL
	number int  // of a network ACL; the lowest decides
	keys   []FamProto
	ports  Ports
	peer   IPSet
	// why decides whether the rule is there, or what it says.
	why Bits
	// unordered: the number is not known.
	unordered bool
	// groups are references to security groups: the rule holds for those who carry one of them.
	groups []*group
	// list is the AWS-managed prefix list whose service the traffic comes through.
	list string
	// vpcs and subnets stand for address ranges that are not known as numbers, but whose they are.
	vpcs    []*vpc
	subnets []*subnet
	source  string // the source or destination as written
	// anyGroup: the rule names security groups, and which is not known.
	anyGroup bool
	resource *inventory.Resource // in which the rule is written
}

// text is the rule in words: ingress tcp/443 from 0.0.0.0/0.
func (r *rule) text() string {
	var b strings.Builder
	direction, side := "ingress", "from"
	if r.egress {
		direction, side = "egress", "to"
	}
	b.WriteString(direction)
	if r.deny {
		b.WriteString(" deny")
	}
	b.WriteByte(' ')
	b.WriteString(r.protocol())
	source := r.source
	if source == "" {
		source = r.peer.String()
	}
	if source != "" {
		b.WriteString(" " + side + " " + source)
	}
	if r.number > 0 {
		b.WriteString(" (rule " + strconv.Itoa(r.number) + ")")
	}
	return b.String()
}

func (r *rule) protocol() string {
	protos := map[uint8]bool{}
	for _, k := range r.keys {
		protos[k.Proto] = true
	}
	switch {
	case protos[protoOther] && len(protos) > 1:
		return "all"
	case len(r.keys) == 0:
		return "none"
	case !r.keys[0].hasPorts():
		return r.keys[0].String()
	}
	return r.keys[0].String() + "/" + r.ports.String()
}

// group is a security group.
type group struct {
	id      int
	place   // implied groups: the VPC
	vpc     *vpc
	rules   []rule
	implied bool
	unknown Bits // of a group outside of the code: its rules are not known
	exists  cond
	object  any
	of      *group // the group that this one is, where it may not be attached
}

// sender is who opens a connection: what rules that do not speak of addresses match.
type sender struct {
	key     string
	groups  []*group // those that the target's rules can see
	lists   []string
	vpc     *vpc
	subnets []*subnet
	// unknownAddress says why the sender's addresses are not known as numbers. A rule about addresses then holds for
	// certain only if it holds for all.
	unknownAddress Bits
}

// fromInternet is any host on the internet, from its own address or through a CloudFront distribution of its own.
var fromInternet = &sender{key: "internet", lists: []string{originFacing}}

// matches reports whether a rule that does not speak of addresses holds for s, and why that is not certain.
func (s *sender) matches(r *rule) (bool, Bits) {
	doubt, found := Bits(""), false
	for _, g := range r.groups {
		for _, h := range s.groups {
			switch {
			case h == g:
				return true, ""
			case h.of == g:
				doubt, found = doubt.Union(h.exists.doubt()), true
			}
		}
	}
	if found {
		return true, doubt
	}
	if r.anyGroup && len(s.groups) > 0 || r.list != "" && slices.ContainsFunc(s.lists, func(l string) bool { return sameList(l, r.list) }) {
		return true, ""
	}
	if s.vpc != nil && slices.Contains(r.vpcs, s.vpc) {
		return true, ""
	}
	for _, n := range s.subnets {
		// Any of the sender's subnets may be the one it is in; all of them must be named for certainty.
		if !slices.Contains(r.subnets, n) {
			return false, ""
		}
	}
	return len(s.subnets) > 0 && len(r.subnets) > 0, ""
}

// originFacing is the prefix list of the addresses that CloudFront calls origins from. Anyone can have a distribution that
// calls ours, so strangers are among those it lets in.
const originFacing = "com.amazonaws.global.cloudfront.origin-facing"

// sameList compares the names of lists that AWS keeps; those of IPv6 have their own.
func sameList(a, b string) bool {
	trim := func(s string) string { return strings.Replace(s, ".ipv6.", ".", 1) }
	return trim(a) == trim(b)
}

// groupSet is the security groups of an interface, compiled.
type groupSet struct {
	groups  []*group
	unknown Bits // not all groups are known
	key     string
	static  [2]*Set // in and out
	named   [2][]namedRule
	sorted  bool
	cache   map[string]Set
}

// allows returns what the groups let in from s, or let out to it: what their rules say of addresses, which is the same for
// all senders, and what those say that name the sender otherwise.
func (gs *groupSet) allows(s *sender, egress bool, why *reasons) Set {
	named := gs.naming(egress)
	key := s.key
	if egress {
		key = "out " + key
	}
	if len(named) == 0 && s.unknownAddress == "" {
		return gs.byAddress(egress, why)
	}
	if set, ok := gs.cache[key]; ok {
		return set
	}
	set := gs.byAddress(egress, why)
	var clauses []clause
	for _, n := range named {
		if ok, doubt := s.matches(n.rule); ok {
			for _, f := range []Family{V4, V6} {
				clauses = append(clauses, clause{n.rule.keys, n.rule.ports, f.all(), n.rule.why.Union(doubt).Union(n.doubt)})
			}
		}
	}
	if len(clauses) > 0 {
		set = set.Union(compileWithin(clauses, gs.tooComplex(why), &why.work))
	}
	if s.unknownAddress != "" {
		set = set.anyAddress(s.unknownAddress)
	}
	if gs.cache == nil {
		gs.cache = map[string]Set{}
	}
	gs.cache[key] = set
	return set
}

// namedRule is a rule that does not speak of addresses, or not only.
type namedRule struct {
	rule  *rule
	doubt Bits
}

// naming returns the rules that name groups, lists of AWS, VPCs or subnets.
func (gs *groupSet) naming(egress bool) []namedRule {
	if !gs.sorted {
		gs.sorted = true
		for _, g := range gs.groups {
			for i := range g.rules {
				r := &g.rules[i]
				if len(r.groups) > 0 || r.list != "" || len(r.vpcs) > 0 || len(r.subnets) > 0 || r.anyGroup {
					gs.named[order(r.egress)] = append(gs.named[order(r.egress)], namedRule{r, g.exists.doubt()})
				}
			}
		}
	}
	return gs.named[order(egress)]
}

// byAddress returns what the groups let in from, or out to, addresses. It is compiled once.
func (gs *groupSet) byAddress(egress bool, why *reasons) Set {
	if set := gs.static[order(egress)]; set != nil {
		return *set
	}
	var clauses []clause
	for _, g := range gs.groups {
		if g.unknown != "" {
			clauses = append(clauses, anything(g.unknown)...)
		}
		for i := range g.rules {
			if r := &g.rules[i]; r.egress == egress && !r.peer.IsEmpty() {
				clauses = append(clauses, clause{r.keys, r.ports, r.peer, r.why.Union(g.exists.doubt())})
			}
		}
	}
	if gs.unknown != "" {
		clauses = append(clauses, anything(gs.unknown)...)
	}
	set := compileWithin(clauses, gs.tooComplex(why), &why.work)
	gs.static[order(egress)] = &set
	return set
}

func (gs *groupSet) tooComplex(why *reasons) Bits {
	names := make([]string, 0, len(gs.groups))
	for _, g := range gs.groups {
		names = append(names, string(g.at))
	}
	return why.bits(inventory.Reason{Code: TooComplex, Ref: strings.Join(names, ", ")})
}

// clauses returns what one rule lets through for s.
func (r *rule) clauses(s *sender, doubt Bits) []clause {
	why := r.why.Union(doubt)
	var list []clause
	if !r.peer.IsEmpty() {
		list = append(list, clause{r.keys, r.ports, r.peer, why})
	}
	if ok, doubt := s.matches(r); ok {
		why := why.Union(doubt)
		for _, f := range []Family{V4, V6} {
			list = append(list, clause{r.keys, r.ports, f.all(), why})
		}
	}
	return list
}

// anything is what an unknown rule may let through.
func anything(why Bits) []clause {
	return []clause{
		{everyProto(V4), allPorts, everyV4, why},
		{everyProto(V6), allPorts, everyV6, why},
	}
}

// anyAddress returns s for a peer whose address is not known: what does not hold for all addresses holds maybe.
func (s Set) anyAddress(why Bits) Set {
	var clauses []clause
	for _, e := range s.entries {
		every := e.key.Family.all()
		for _, b := range e.boxes {
			doubt := b.Why
			if !b.Peer.Equal(every) {
				doubt = doubt.Union(why)
			}
			clauses = append(clauses, clause{[]FamProto{e.key}, b.Local, every, doubt})
		}
	}
	return compile(clauses, tooComplex)
}

// cond is whether something is so: yes, no, or maybe for the reasons of why.
type cond struct {
	no  bool
	why Bits
}

var (
	certainly = cond{}
	never     = cond{no: true}
)

func perhaps(why Bits) cond { return cond{why: why} }

func (c cond) certain() bool { return !c.no && c.why == "" }

// doubt returns why c is not certain. What is certainly not so has no doubt.
func (c cond) doubt() Bits { return c.why }

func (c cond) and(d cond) cond {
	if c.no || d.no {
		return never
	}
	return cond{why: c.why.Union(d.why)}
}

func (c cond) or(d cond) cond {
	switch {
	case c.no:
		return d
	case d.no || c.certain():
		return c
	case d.certain():
		return d
	}
	return cond{why: c.why.Union(d.why)}
}

// not needs the reasons of a maybe only: certain things have none.
func (c cond) not() cond {
	switch {
	case c.no:
		return certainly
	case c.why == "":
		return never
	}
	return c
}

// gate returns s where c lets all of it pass.
func (c cond) gate(s Set) Set {
	if c.no {
		return Set{}
	}
	return s.Maybe(c.why)
}

// acl is a network ACL.
type acl struct {
	place   // implied ones: the VPC
	rules   []rule
	implied bool // the default one, unmanaged: allows everything
	unknown Bits // of an ACL outside of the code
	in, out *Set
	object  any
}

// allowsIn returns what may enter the subnet: peers to local ports.
func (a *acl) allowsIn(why *reasons) Set {
	if a.in == nil {
		set := a.compile(false, why)
		a.in = &set
	}
	return *a.in
}

// allowsOut returns what may leave the subnet: to peers, to ports of theirs, as Local.
func (a *acl) allowsOut(why *reasons) Set {
	if a.out == nil {
		set := a.compile(true, why)
		a.out = &set
	}
	return *a.out
}

func openSet() Set { return everySet }

// everySet is every connection.
var everySet = compile(anything(""), "")

// unfiltered reports whether the network ACL of a subnet lets everything through.
func (n *subnet) unfiltered() bool {
	return len(n.acls) == 0 || len(n.acls) == 1 && n.acls[0].why == "" && n.acls[0].of.implied
}

func (a *acl) compile(egress bool, why *reasons) Set {
	if a.implied {
		return openSet()
	}
	if a.unknown != "" {
		return compile(anything(a.unknown), "")
	}
	var rules []*rule
	protos := map[FamProto]bool{}
	for i := range a.rules {
		if r := &a.rules[i]; r.egress == egress {
			rules = append(rules, r)
			for _, k := range r.keys {
				protos[k] = true
			}
		}
	}
	slices.SortStableFunc(rules, func(x, y *rule) int {
		if x.unordered != y.unordered {
			return cmp.Compare(order(y.unordered), order(x.unordered))
		}
		return cmp.Compare(x.number, y.number)
	})
	tooMany := why.bits(inventory.Reason{Code: TooComplex, Ref: string(a.at)})
	var set Set
	for _, key := range sortedKeys(protos) {
		set.add(key, firstMatch(rules, key, tooMany))
	}
	return set
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

// firstMatch returns what rules in order of their numbers let through of one protocol. For what is certain an unknown
// allow is absent and an unknown deny matches all that it could; for what is possible the other way round.
func firstMatch(rules []*rule, key FamProto, tooMany Bits) []Box {
	whole := []Box{{Peer: key.Family.all(), Local: allPorts, PeerPorts: allPorts}}
	run := func(certain bool) (allowed []Box, exact bool) {
		left := whole
		for _, r := range rules {
			if !r.speaksOf(key) || r.why != "" && r.deny != certain {
				continue
			}
			box := Box{Peer: r.peer.Family(key.Family), Local: r.ports, PeerPorts: allPorts}
			if box.Peer.IsEmpty() {
				continue
			}
			if !r.deny {
				for _, b := range left {
					if c := b.intersect(box); !c.empty() {
						allowed = append(allowed, c)
					}
				}
			}
			left = without(left, []Box{box})
			if len(left)+len(allowed) > maxBoxes {
				if certain {
					return allowed, false // the first rules decide, whatever the later ones say
				}
				return append(allowed, left...), false
			}
		}
		return allowed, true
	}
	must, exactMust := run(true)
	may, exactMay := run(false)
	must = tidy(must)
	rest := without(may, must)
	why := Bits("")
	if !exactMust || !exactMay {
		why = tooMany
	}
	for _, r := range rules {
		if r.why == "" || !r.speaksOf(key) {
			continue
		}
		box := Box{Peer: r.peer.Family(key.Family), Local: r.ports, PeerPorts: allPorts}
		if slices.ContainsFunc(rest, box.overlaps) {
			why = why.Union(r.why)
		}
	}
	for i := range rest {
		rest[i].Why = why
		if why == "" {
			rest[i].Why = tooMany
		}
	}
	return append(must, rest...)
}

// tidy merges boxes that differ in their peers only.
func tidy(boxes []Box) []Box {
	if len(boxes) < 2 {
		return boxes
	}
	clauses := make([]clause, 0, len(boxes))
	key := FamProto{Proto: protoTCP}
	if len(boxes[0].Peer.ranges) > 0 && !boxes[0].Peer.ranges[0].Lo.Is4() {
		key.Family = V6
	}
	for _, b := range boxes {
		clauses = append(clauses, clause{[]FamProto{key}, b.Local, b.Peer, b.Why})
	}
	merged := compile(clauses, tooComplex).Boxes(key)
	if len(merged) > len(boxes) {
		return boxes
	}
	return merged
}

// speaksOf reports whether the rule is about connections of key.
func (r *rule) speaksOf(key FamProto) bool {
	if slices.Contains(r.keys, key) {
		return true
	}
	switch key.Proto {
	case protoTCP, protoUDP, protoICMP, protoICMPv6, protoOther:
		return false
	}
	return slices.Contains(r.keys, FamProto{key.Family, protoOther})
}

// asPeerPorts returns s with the ports that it speaks of as those of the peer.
func (s Set) asPeerPorts() Set {
	return s.each(func(key FamProto, b Box) (FamProto, Box) {
		b.Local, b.PeerPorts = allPorts, b.Local
		if !key.hasPorts() {
			b.PeerPorts = allPorts
		}
		return key, b
	})
}

// facedBy returns s with other peers: the same connections as their sender's rules see them.
func (s Set) facedBy(peers IPSet) Set {
	return s.each(func(key FamProto, b Box) (FamProto, Box) {
		b.Peer = peers.Family(key.Family)
		return key, b
	})
}

// turned returns s as the other end sees it: with the ports of both ends exchanged.
func (s Set) turned() Set {
	return s.each(func(key FamProto, b Box) (FamProto, Box) {
		b.Local, b.PeerPorts = b.PeerPorts, b.Local
		return key, b
	})
}

// toward returns which connections to the addresses of dest a set over destinations lets through, from any peer. A
// destination that only a part of dest is let through to is let through maybe.
func (s Set) toward(dest IPSet, why Bits) Set {
	var clauses []clause
	for _, e := range s.entries {
		part := dest.Family(e.key.Family)
		if part.IsEmpty() {
			continue
		}
		every := e.key.Family.all()
		bounds := []int{}
		for _, b := range e.boxes {
			for _, r := range b.Local.ranges {
				bounds = append(bounds, int(r.Lo), int(r.Hi)+1)
			}
		}
		slices.Sort(bounds)
		bounds = slices.Compact(bounds)
		for i := 0; i+1 < len(bounds); i++ {
			var sure, unsure []IPSet
			doubt := Bits("")
			for _, b := range e.boxes {
				if !b.Local.Contains(uint16(bounds[i])) || !b.Peer.Overlaps(part) { //nolint:gosec // a port
					continue
				}
				if b.Why == "" {
					sure = append(sure, b.Peer)
				} else {
					unsure = append(unsure, b.Peer)
					doubt = doubt.Union(b.Why)
				}
			}
			if len(sure)+len(unsure) == 0 {
				continue
			}
			ports := NewPorts(PortRange{uint16(bounds[i]), uint16(bounds[i+1] - 1)}) //nolint:gosec // ports
			certain := UnionIPSets(sure...)
			switch {
			case part.SubsetOf(certain):
				doubt = ""
			case !part.SubsetOf(certain.Union(UnionIPSets(unsure...))):
				doubt = doubt.Union(why)
			}
			clauses = append(clauses, clause{[]FamProto{e.key}, ports, every, doubt})
		}
	}
	return compile(clauses, tooComplex)
}
