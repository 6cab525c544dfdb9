// Package exposure puts packages, workloads and the network together: it says of each finding how far it is from a
// stranger on the internet, and makes the findings of the trifecta, where a stranger reaches a workload that runs what can
// be exploited.
//
// The network's answer comes as network.Result, what runs where as package join found it. Nothing is computed about the
// network here.
package exposure

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/cvss"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Rules are the rules of the trifecta.
var Rules = []scanner.Rule{
	{
		ID: exploitable, Aliases: []string{"TRI-001"}, Severity: scanner.Critical,
		Title: "A stranger reaches a workload that runs what can be exploited",
		Help: "A workload that any address on the internet reaches, without a web application firewall or authentication in front, runs a package with a vulnerability " +
			"that is exploited or that a program can exploit without an account.\n\nUpgrade the package first. Until then close the path: narrow the sources of the security " +
			"group, put the workload behind a load balancer with a web ACL, or ask for authentication. The finding shows the way step by step.",
		URL: rulesPage + exploitable, Tags: []string{"aws", "kubernetes", "network", "packages"},
	},
	{
		ID: nearly, Aliases: []string{"TRI-002"}, Severity: scanner.High,
		Title: "A shielded or neighbouring workload runs what can be exploited",
		Help: "A workload that strangers reach through a web application firewall or authentication only, or that is one connection behind an exposed workload, runs a package " +
			"with a vulnerability that is exploited or that a program can exploit without an account.\n\nUpgrade the package; a shield is a delay, not a cure.",
		URL: rulesPage + nearly, Tags: []string{"aws", "kubernetes", "network", "packages"},
	},
}

const (
	exploitable = "exposed-and-exploitable"
	nearly      = "nearly-exposed-and-exploitable"
	rulesPage   = "https://github.com/trifecta-scanner/trifecta/blob/main/docs/rules.md#"
)

// Deployed says which workloads the packages of a file get into, and how surely.
type Deployed map[string]map[inventory.ID]inventory.Confidence // lock file or manifest -> workload

// Of returns what the network's answer about one workload means for what runs in it.
func Of(r *network.Result) scanner.Exposure {
	e := scanner.Exposure{Level: level(r), Workloads: []inventory.ID{r.Address}}
	if r.Reachable == network.Yes {
		e.Ports, e.Breadth = r.Ports, string(r.Breadth)
		for _, s := range r.Shields {
			kind, _, _ := strings.Cut(s, ":")
			if !slices.Contains(e.Shields, kind) {
				e.Shields = append(e.Shields, kind)
			}
		}
	}
	return e
}

func level(r *network.Result) scanner.ExposureLevel {
	switch {
	case r.Reachable == network.Unknown:
		return scanner.ExposureUnknown
	case r.Reachable == network.Yes && len(r.Shields) == 0 && r.Breadth != network.BreadthRestricted:
		return scanner.ExposureOpen
	case r.Reachable == network.Yes:
		return scanner.ExposureControlled
	case r.Hops == 1:
		return scanner.ExposureAdjacent
	case r.Hops > 1:
		return scanner.ExposureInternal
	}
	return scanner.ExposureIsolated
}

// worst is the order in which exposures count, most exposed first; an exposure that is not known stands where its
// factor does.
var worst = []scanner.ExposureLevel{
	scanner.ExposureOpen, scanner.ExposureControlled, scanner.ExposureUnknown, scanner.ExposureAdjacent, scanner.ExposureInternal, scanner.ExposureIsolated,
}

// Index finds the network's answers by address. Where several roots use one address, the nearest to what is asked about
// answers, of equally near ones the most exposed.
type Index struct {
	// Criticality is what the workloads of an environment are worth, by its name.
	Criticality map[string]string

	results map[inventory.ID][]*network.Result // of one address the most exposed first
	proxies map[inventory.ID]bool
}

// NewIndex indexes the workloads of a result.
func NewIndex(workloads []network.Result) *Index {
	x := &Index{results: make(map[inventory.ID][]*network.Result, len(workloads)), proxies: map[inventory.ID]bool{}}
	for i := range workloads {
		r := &workloads[i]
		x.results[r.Address] = append(x.results[r.Address], r)
		if r.Kind == network.KindProxy || r.Kind == network.KindFront {
			x.proxies[r.Address] = true
		}
	}
	for _, same := range x.results {
		slices.SortStableFunc(same, func(a, b *network.Result) int {
			return cmp.Compare(slices.Index(worst, level(a)), slices.Index(worst, level(b)))
		})
	}
	return x
}

// result returns the answer for an address as code at a path means it: examples in one repository all call their machine
// aws_instance.example, and each is as exposed as its own root makes it. A file means what it declares itself, then what
// its folder declares. It returns nil for an address without an answer.
func (x *Index) result(id inventory.ID, at string) *network.Result {
	same := x.results[id]
	if len(same) == 0 {
		return nil
	}
	if len(same) > 1 {
		for _, r := range same {
			if r.Location.Path == at {
				return r
			}
		}
		for _, r := range same {
			if path.Dir(r.Location.Path) == path.Dir(at) {
				return r
			}
		}
	}
	return same[0]
}

// of returns the exposure of something at a path that runs in several workloads: that of the most exposed one, with all of
// them.
func (x *Index) of(workloads map[inventory.ID]inventory.Confidence, at string) scanner.Exposure {
	var best scanner.Exposure
	var result *network.Result
	var all []inventory.ID
	for id, confidence := range workloads {
		r := x.result(id, at)
		if r == nil {
			continue
		}
		all = append(all, id)
		e := Of(r)
		e.Link, e.Criticality = string(confidence), x.Criticality[r.Environment]
		e.Entry = x.entry(r)
		if result == nil || cmp.Or(
			cmp.Compare(slices.Index(worst, e.Level), slices.Index(worst, best.Level)),
			cmp.Compare(len(e.Shields), len(best.Shields)),
			strings.Compare(string(r.Address), string(result.Address))) < 0 {
			best, result = e, r
		}
	}
	slices.Sort(all)
	if result != nil { // the one that counts comes first
		all = append([]inventory.ID{result.Address}, slices.DeleteFunc(all, func(id inventory.ID) bool { return id == result.Address })...)
	}
	best.Workloads = all
	return best
}

// entry returns the first proxy or front on the shortest path to r; r itself where there is none.
func (x *Index) entry(r *network.Result) inventory.ID {
	if len(r.Paths) > 0 {
		for _, node := range r.Paths[0].Nodes {
			if x.proxies[node] {
				return node
			}
		}
	}
	return r.Address
}

// Apply sets the exposure of findings that have none yet, by what they are about: the packages of a file by the workloads
// that it gets into, an image or machine image by those that run it, a resource by itself.
// criticality is what the workloads of an environment are worth, by its name.
func Apply(res *scanner.Result, deployed Deployed, criticality map[string]string) {
	x := NewIndex(res.Workloads)
	x.Criticality = criticality
	images := map[inventory.ID][]inventory.ID{}
	for i := range res.Images {
		images[res.Images[i].ID] = res.Images[i].Workloads
	}
	for i := range res.MachineImages {
		m := &res.MachineImages[i]
		images[m.ID] = append(slices.Clip(images[m.ID]), m.Workloads...)
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Exposure.Level != "" {
			continue
		}
		switch {
		case res.Package(f.Subject) != nil:
			f.Exposure = x.of(deployed[f.Location.Path], f.Location.Path)
		case len(images[f.Subject]) > 0:
			f.Exposure = x.of(surely(images[f.Subject]), f.Location.Path)
		case len(f.Exposure.Workloads) > 0:
			f.Exposure = x.of(surely(f.Exposure.Workloads), f.Location.Path)
		default:
			if r := x.result(f.Subject, f.Location.Path); r != nil {
				f.Exposure = Of(r)
				f.Exposure.Entry, f.Exposure.Criticality = x.entry(r), x.Criticality[r.Environment]
			}
		}
	}
}

func surely(workloads []inventory.ID) map[inventory.ID]inventory.Confidence {
	sure := make(map[inventory.ID]inventory.Confidence, len(workloads))
	for _, id := range workloads {
		sure[id] = inventory.Declared
	}
	return sure
}

// runners returns what runs what a finding is about: the workloads that the packages of its file get into, or those that start
// from its machine image.
func runners(res *scanner.Result, deployed Deployed, f *scanner.Finding) map[inventory.ID]inventory.Confidence {
	if into := deployed[f.Location.Path]; into != nil {
		return into
	}
	if f.Kind == scanner.KindVulnerability && slices.ContainsFunc(res.MachineImages, func(m inventory.MachineImage) bool { return m.ID == f.Subject }) {
		return surely(f.Exposure.Workloads)
	}
	return nil
}

// Trifecta returns the findings of the trifecta in a ranked result: one for each workload that a stranger reaches and that
// runs what can be exploited, with the way to the worst of it.
func Trifecta(res *scanner.Result, deployed Deployed) *scanner.Judgement {
	x := NewIndex(res.Workloads)
	type trouble struct {
		rule  int
		found []*scanner.Finding
	}
	cases := map[inventory.ID]*trouble{}
	for i := range res.Findings { // worst first
		f := &res.Findings[i]
		if f.Status == scanner.StatusSuppressed || !canBeExploited(f) {
			continue
		}
		for id, confidence := range runners(res, deployed, f) {
			rule, ok := x.rule(x.result(id, f.Location.Path), confidence)
			if !ok {
				continue
			}
			c := cases[id]
			if c == nil {
				c = &trouble{rule: rule}
				cases[id] = c
			}
			c.found = append(c.found, f)
		}
	}
	j := &scanner.Judgement{}
	ids := make([]inventory.ID, 0, len(cases))
	for id := range cases {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c := cases[id]
		j.Findings = append(j.Findings, x.finding(res, id, Rules[c.rule], c.found))
	}
	if len(ids) > 0 {
		j.Rules = Rules
	}
	return j
}

// canBeExploited reports whether a finding is one that a stranger would try: of the tier Act, or as bad as a vulnerability
// gets over the network without an account or a user. What runs in development only is not deployed.
func canBeExploited(f *scanner.Finding) bool {
	if f.Advisory == nil || f.Scope == inventory.ScopeDevelopment || f.Called == "not-called" || f.Called == "not-imported" {
		return false
	}
	if f.Tier == scanner.TierAct {
		return true
	}
	for _, c := range f.Advisory.CVSS {
		v, ok := cvss.Parse(c.Vector)
		if ok && c.Score >= 9 && v.Metric("AV") == "N" && v.Metric("PR") == "N" && v.Metric("UI") == "N" {
			return true
		}
	}
	return false
}

// rule returns which rule a workload falls under. What is only inferred to run there counts as one step less exposed.
func (x *Index) rule(r *network.Result, confidence inventory.Confidence) (rule int, ok bool) {
	if r == nil {
		return 0, false
	}
	switch level(r) {
	case scanner.ExposureOpen:
		if confidence == inventory.Inferred {
			return 1, true
		}
		return 0, true
	case scanner.ExposureControlled:
		return 1, r.Breadth != network.BreadthRestricted
	case scanner.ExposureAdjacent:
		return 1, true
	}
	return 0, false
}

// most bounds the further advisories that a finding names.
const most = 5

func (x *Index) finding(res *scanner.Result, id inventory.ID, rule scanner.Rule, found []*scanner.Finding) scanner.Finding {
	first := found[0]
	r := x.result(id, first.Location.Path)
	p := res.Package(first.Subject)
	what := string(first.Subject)
	if p != nil {
		what = p.Name + " " + p.Version
	}
	exposure := Of(r)
	exposure.Entry = x.entry(r)
	message := fmt.Sprintf("%s %s and runs %s with %s", id, reach(r, exposure), what, first.RuleID)
	if n := len(found) - 1; n > 0 {
		message += fmt.Sprintf(" and %d more that can be exploited", n)
	}
	if first.Fix != nil {
		message += "; " + first.Fix.Message
	}
	f := scanner.Finding{
		RuleID: rule.ID, Kind: scanner.KindExposure, Severity: rule.Severity, Pillar: scanner.PillarVulnerability,
		Message: message, Subject: id, Location: first.Location, Exposure: exposure, Fix: first.Fix,
		Path: way(res, r, first), FingerprintKey: []string{rule.ID, string(id), r.Location.Path},
	}
	f.Related = append(f.Related, scanner.Related{Location: r.Location, Message: fmt.Sprintf("%s is declared here", id)})
	for _, other := range found[1:min(len(found), most+1)] {
		f.Related = append(f.Related, scanner.Related{Location: other.Location, Message: fmt.Sprintf("%s in %s", other.RuleID, other.Subject)})
	}
	return f
}

// reach says in the middle of a sentence who gets to a workload.
func reach(r *network.Result, e scanner.Exposure) string {
	switch e.Level {
	case scanner.ExposureOpen:
		return fmt.Sprintf("is open to any address on %s", strings.Join(r.Ports, ", "))
	case scanner.ExposureAdjacent:
		return "is one connection behind an exposed workload"
	}
	return fmt.Sprintf("is reached from the internet behind %s", strings.Join(r.Shields, ", "))
}

// way is the path from a stranger to the package: the hops of the network with the rules that let it pass, the image, the
// build, the line of the lock file, the advisory.
func way(res *scanner.Result, r *network.Result, f *scanner.Finding) []scanner.Step {
	var steps []scanner.Step
	if len(r.Paths) > 0 {
		guards := r.Paths[0].Guards
		for _, node := range r.Paths[0].Nodes {
			steps = append(steps, scanner.Step{Address: node})
		}
		for _, g := range guards {
			at := inventory.Location{Path: g.File, Line: g.Line}
			step := scanner.Step{Address: g.At, Message: g.Rule}
			if g.File != "" {
				step.Location = &at
			}
			steps = append(steps, step)
		}
	}
	at := r.Location
	steps = append(steps, scanner.Step{Address: r.Address, Message: "runs", Location: &at})
	for _, l := range chain(res.Links, r.Address, inventory.ID(f.Location.Path)) {
		step := scanner.Step{Address: l.To, Message: string(l.Confidence)}
		if len(l.Evidence) > 0 {
			step.Location = &l.Evidence[0]
		}
		steps = append(steps, step)
	}
	place := f.Location
	return append(steps,
		scanner.Step{Address: f.Subject, Message: "is listed here", Location: &place},
		scanner.Step{Address: inventory.ID(f.RuleID), Message: summary(f)})
}

func summary(f *scanner.Finding) string {
	if f.Advisory == nil {
		return ""
	}
	return f.Advisory.Summary
}

// chain returns the links from a workload to a file, the shortest way.
func chain(links []inventory.Link, from, to inventory.ID) []inventory.Link {
	type reached struct {
		link inventory.Link
		via  int
	}
	var seen []reached
	visited := map[inventory.ID]bool{from: true}
	frontier := []int{-1}
	for len(frontier) > 0 {
		var next []int
		for _, at := range frontier {
			node := from
			if at >= 0 {
				node = seen[at].link.To
			}
			start, _ := slices.BinarySearchFunc(links, node, func(l inventory.Link, id inventory.ID) int { return strings.Compare(string(l.From), string(id)) })
			for _, l := range links[start:] {
				if l.From != node {
					break
				}
				if visited[l.To] {
					continue
				}
				visited[l.To] = true
				seen = append(seen, reached{l, at})
				if l.To == to {
					var way []inventory.Link
					for i := len(seen) - 1; i >= 0; i = seen[i].via {
						way = append(way, seen[i].link)
					}
					slices.Reverse(way)
					return way
				}
				next = append(next, len(seen)-1)
			}
		}
		frontier = next
	}
	return nil
}

// Surface fills the attack surface of a ranked result from the network's answers and the findings.
func Surface(res *scanner.Result, deployed Deployed) {
	x := NewIndex(res.Workloads)
	s := &res.AttackSurface
	s.Evaluated = true
	exposed := map[inventory.ID]bool{}
	for i := range res.Workloads {
		r := &res.Workloads[i]
		if r.Reachable != network.Yes {
			continue
		}
		front := r.Kind == network.KindProxy || r.Kind == network.KindFront
		if front || x.entry(r) == r.Address {
			s.EntryPoints = append(s.EntryPoints, scanner.EntryPoint{Address: r.Address, Ports: r.Ports, Sources: r.Sources, Shields: r.Shields})
		}
		if !front {
			exposed[r.Address] = true
			s.ExposedWorkloads = append(s.ExposedWorkloads, r.Address) // as often as roots and environments have one
		}
	}
	slices.Sort(s.ExposedWorkloads)
	for i := range res.Packages {
		if slices.ContainsFunc(res.Packages[i].Workloads, func(id inventory.ID) bool { return exposed[id] }) {
			s.ExposedPackages++
		}
	}
	behind := map[inventory.ID]bool{}
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Status == scanner.StatusSuppressed || !canBeExploited(f) {
			continue
		}
		for id, confidence := range runners(res, deployed, f) {
			if rule, ok := x.rule(x.result(id, f.Location.Path), confidence); ok && rule == 0 {
				behind[f.Subject] = true
			}
		}
	}
	s.Exploitable = len(behind)
}
