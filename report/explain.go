package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// blockWords say what each code of a block means, for a sentence that begins with the place.
var blockWords = map[string]string{
	network.NoPublicAddress:       "has no public address",
	network.NoInternetGateway:     "has no internet gateway attached",
	network.NoRoute:               "has no route to the internet",
	network.ReturnNotViaIGW:       "sends answers another way than the request came",
	network.EgressOnly:            "lets connections out only",
	network.SGNoMatch:             "has no rule that lets the sender in",
	network.NACLDenyIn:            "denies the way in",
	network.NACLDenyOut:           "denies the way back",
	network.LBInternal:            "is internal",
	network.LBNoListener:          "has no listener that leads here",
	network.LBNoTarget:            "has no target",
	network.BPABlock:              "blocks public access",
	network.PeeringNotTransitive:  "leads to the other side only, not beyond it",
	network.TGWNoRoute:            "has no route there",
	network.NotPubliclyAccessible: "is not publicly accessible",
	network.EndpointPrivate:       "answers inside of its network only",
	network.NoFront:               "has nothing in the code that leads to it from outside",
	network.SourceRanges:          "lets no internet address in",
	network.NetpolDeny:            "lets none of it in",
	network.ICMPOnly:              "lets nothing but ICMP through",
	network.NotCreated:            "is not created",
}

// openWords say what would lift a block.
var openWords = map[string]string{
	network.NoPublicAddress:       "a public or elastic address",
	network.NoInternetGateway:     "an internet gateway with routes to it",
	network.NoRoute:               "a route to an internet gateway",
	network.ReturnNotViaIGW:       "a default route to the internet gateway",
	network.EgressOnly:            "a route to an internet gateway",
	network.SGNoMatch:             "a rule for the sender",
	network.NACLDenyIn:            "an allow rule before the deny",
	network.NACLDenyOut:           "an allow rule for ephemeral ports",
	network.LBInternal:            "the scheme internet-facing",
	network.LBNoListener:          "a listener that forwards",
	network.LBNoTarget:            "a registered target",
	network.BPABlock:              "an exclusion from block public access",
	network.TGWNoRoute:            "a route in the gateway's table",
	network.NotPubliclyAccessible: "the flag that makes it public",
	network.EndpointPrivate:       "the flag that makes it public",
	network.NoFront:               "a load balancer, an ingress or a trigger",
	network.SourceRanges:          "an internet address among the sources",
	network.NetpolDeny:            "an ingress rule of the policy",
}

// unknownWords say what each code of something unknown means, for a sentence that ends with what is asked for.
var unknownWords = map[string]string{
	inventory.VarNoDefault:       "a variable without a value",
	inventory.ParamNoDefault:     "a parameter without a value",
	inventory.DataSource:         "what only the account answers",
	inventory.Computed:           "what is known after deployment only",
	inventory.CountUnknown:       "what decides whether it exists",
	inventory.ModuleNotAvailable: "a module whose source is not in the tree",
	inventory.ImportValue:        "an export of a stack that is not in the tree",
	inventory.NotEvaluated:       "something that is not evaluated",
	network.Placement:            "in which subnet it stands",
	network.K8sLBController:      "which controller makes the load balancer",
	network.IngressController:    "which controller serves the ingress",
	network.NetpolEnforcement:    "whether anything enforces the policy",
	network.FirewallRules:        "the rules of a firewall on the path",
	network.TooComplex:           "a rule set that is too large to be computed exactly",
}

// Explain writes why a workload can or can't be reached: the path hop by hop with the rules that let it pass, or what
// blocks it and what would open it.
func Explain(w io.Writer, r *network.Result, opts Options) error {
	out := bufio.NewWriter(w)
	t := newText(out, opts)
	t.explain(r)
	return out.Flush()
}

func (t *text) explain(r *network.Result) {
	head := clean(string(r.Address))
	t.line(t.styled(head, bold) + t.styled(strings.TrimRight("  "+string(r.Kind)+"  "+where(r.Location), " "), dim))
	t.wrapped("  ", capital(verdict(r)), plain)
	for _, run := range r.Runs {
		t.wrapped("  ", fmt.Sprintf("runs %s (%s)", clean(string(run.ID)), run.Confidence), dim)
	}
	for i, p := range r.Paths {
		t.line("")
		title := "path"
		if len(r.Paths) > 1 {
			title = fmt.Sprintf("path %d", i+1)
		}
		t.line("  " + t.styled(title, bold))
		for j, node := range p.Nodes {
			mark := "    "
			if j > 0 {
				mark = "  → "
			}
			t.line("  " + mark + clean(string(node)))
		}
		for _, g := range p.Guards {
			t.line("      " + t.styled("let through by ", dim) + clean(string(g.At)) + ": " + clean(g.Rule) +
				t.styled(strings.TrimRight("  "+where(inventory.Location{Path: g.File, Line: g.Line}), " "), dim))
		}
	}
	if len(r.Blocked) > 0 {
		t.line("")
		t.line("  " + t.styled("blocked by", bold))
		for _, b := range r.Blocked {
			t.wrapped("    ", fmt.Sprintf("%s: %s %s", b.Code, clean(string(b.At)), blockWords[b.Code]), plain)
		}
		head := "it would take"
		for _, b := range r.Blocked {
			word, ok := openWords[b.Code]
			if !ok {
				continue
			}
			if head != "" {
				t.line("")
				t.line("  " + t.styled(head, bold))
				head = ""
			}
			t.wrapped("    ", fmt.Sprintf("at %s: %s", clean(string(b.At)), word), plain)
		}
	}
	if len(r.Unknown) > 0 {
		t.line("")
		t.line("  " + t.styled("not known", bold))
		for _, u := range r.Unknown {
			t.wrapped("    ", fmt.Sprintf("%s: %s, %s", u.Code, clean(u.Ref), unknownWords[u.Code]), plain)
		}
	}
	if len(r.Assumptions) > 0 {
		t.line("")
		t.wrapped("  ", "assumed: "+strings.Join(r.Assumptions, ", "), dim)
	}
}

// verdict says in a sentence whether something can be reached.
func verdict(r *network.Result) string {
	from := "the internet"
	if r.From != "" && r.From != network.Internet {
		from = clean(string(r.From))
	}
	switch r.Reachable {
	case network.Yes:
		s := fmt.Sprintf("reachable from %s: %s", from, strings.Join(r.Ports, ", "))
		if len(r.TargetPorts) > 0 && !slices.Equal(r.TargetPorts, r.Ports) {
			s += ", which arrives as " + strings.Join(r.TargetPorts, ", ")
		}
		if len(r.Sources) > 0 {
			s += "; by " + strings.Join(atMost(r.Sources, 6), ", ")
		}
		if len(r.Shields) > 0 {
			s += "; behind " + clean(strings.Join(r.Shields, ", "))
		} else if from == "the internet" {
			s += "; no shield in front"
		}
		if len(r.PossiblePorts) > 0 {
			s += "; possibly also " + strings.Join(r.PossiblePorts, ", ")
		}
		return s
	case network.No:
		s := "not reachable from " + from
		switch {
		case r.Layers == 1:
			s += "; one change away"
		case r.Layers > 1:
			s += fmt.Sprintf("; %d layers block it, each by itself", r.Layers)
		}
		if r.Hops > 0 {
			s += "; " + count(r.Hops, "hop") + " behind an exposed workload"
		}
		return s
	}
	s := "unknown whether it is reachable from " + from
	if len(r.Ports) > 0 {
		s += "; possibly " + strings.Join(r.Ports, ", ")
	}
	return s
}

func atMost(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("%d more", len(list)-n))
}

// ExplainFindings writes everything that is known of some findings of a result: what, why it ranks where it does, how it
// gets there, and what helps.
func ExplainFindings(w io.Writer, res *scanner.Result, findings []*scanner.Finding, opts Options) error {
	out := bufio.NewWriter(w)
	t := newText(out, opts)
	for i, f := range findings {
		if i > 0 {
			t.line("")
		}
		t.finding(res, f)
	}
	return out.Flush()
}

func (t *text) finding(res *scanner.Result, f *scanner.Finding) {
	ids := f.IDs()
	if more := res.RuleAliases(f.RuleID); len(more) > 0 {
		ids = append(ids, more...)
	}
	slices.Sort(ids[1:])
	ids = slices.Compact(ids)
	for i := range ids {
		ids[i] = clean(ids[i])
	}
	t.line(t.styled(strings.Join(ids, ", "), bold) + "  " + t.styled(string(f.Severity), severityStyles[f.Severity]) + t.styled("  "+string(f.Tier)+fmt.Sprintf(" %d", f.Score), dim))
	t.wrapped("  ", clean(f.Message), plain)
	t.wrapped("  ", clean(f.Reason), plain)
	field := func(name, value string) {
		if value != "" {
			t.wrapped("  ", name+": "+value, plain)
		}
	}
	field("subject", clean(string(f.Subject)))
	field("place", where(f.Location))
	for _, r := range f.Related {
		field("see", clean(r.Message)+"  "+where(r.Location))
	}
	if p := res.Package(f.Subject); p != nil {
		at := slices.IndexFunc(p.Locations, func(l inventory.PackageLocation) bool { return l.Location == f.Location })
		if at >= 0 && len(p.Locations[at].Chain) > 0 {
			field("comes in through", clean(strings.Join(p.Locations[at].Chain, " → ")))
		}
	}
	if s := f.SSVC; s != nil {
		field("decision points", fmt.Sprintf("exploitation %s, exposure %s, automatable %s, impact %s", s.Exploitation, s.Exposure, s.Automatable, s.Impact))
	}
	for _, l := range f.Exposure.Workloads {
		field("runs in", clean(string(l)))
	}
	for i, step := range f.Path {
		mark := "  → "
		if i == 0 {
			mark = "    "
		}
		line := mark + clean(string(step.Address))
		if step.Message != "" {
			line += ": " + clean(step.Message)
		}
		if step.Location != nil {
			line += "  " + where(*step.Location)
		}
		t.line("  " + line)
	}
	if a := f.Advisory; a != nil {
		for _, c := range a.CVSS {
			field("CVSS "+c.Version, fmt.Sprintf("%.1f %s", c.Score, clean(c.Vector)))
		}
		field("environmental", clean(f.EnvironmentalVector))
		if a.EPSS != nil {
			field("EPSS", fmt.Sprintf("%.3f", *a.EPSS))
		}
		field("fixed in", clean(strings.Join(a.FixedVersions, ", ")))
	}
	field("use", f.Called)
	if f.Fix != nil {
		field("fix", clean(f.Fix.Message))
	}
	if f.Suppression != nil {
		field("suppressed", clean(f.Suppression.Reason)+"  "+clean(f.Suppression.Source))
	}
	field("fingerprint", f.Fingerprint)
	for _, r := range res.Rules {
		if r.ID == f.RuleID {
			for l := range strings.Lines(r.Help) {
				t.wrapped("  ", strings.TrimRight(clean(l), " \n"), dim)
			}
			field("more", clean(r.URL))
		}
	}
}

// ExplainPackage writes where a package comes from, what it needs, where it runs and who can reach that.
func ExplainPackage(w io.Writer, res *scanner.Result, p *inventory.Package, opts Options) error {
	out := bufio.NewWriter(w)
	t := newText(out, opts)
	t.line(t.styled(clean(string(p.ID)), bold) + t.styled("  "+clean(strings.Join(p.Licenses, ", ")), dim))
	for _, l := range p.Locations {
		about := []string{where(l.Location), string(l.Scope)}
		if len(l.Chain) > 1 {
			about = append(about, "through "+clean(strings.Join(l.Chain, " → ")))
		}
		if l.Manifest != nil {
			about = append(about, "asked for in "+where(*l.Manifest))
		}
		t.wrapped("  ", strings.Join(about, " · "), plain)
	}
	for _, l := range linksFrom(res, p) {
		t.wrapped("  ", fmt.Sprintf("%s → %s (%s)", clean(string(l.From)), clean(string(l.To)), l.Confidence), plain)
		for _, e := range l.Evidence {
			t.line("      " + t.styled(where(e), dim))
		}
	}
	if len(p.Workloads) == 0 {
		t.wrapped("  ", "is not known to run in a workload of this repository", dim)
	}
	for _, id := range p.Workloads {
		i := slices.IndexFunc(res.Workloads, func(r network.Result) bool { return r.Address == id })
		if i < 0 { // a service of a Compose file, whose host is not in the code
			t.wrapped("  ", "runs in "+clean(string(id))+": who reaches it is not known from the code", plain)
			continue
		}
		t.wrapped("  ", "runs in "+clean(string(id))+": "+verdict(&res.Workloads[i]), plain)
	}
	for i := range res.Findings {
		if f := &res.Findings[i]; f.Subject == p.ID {
			t.line("")
			t.finding(res, f)
		}
	}
	return out.Flush()
}

// linksFrom returns the links that lead from the files of a package to workloads, nearest first.
func linksFrom(res *scanner.Result, p *inventory.Package) []inventory.Link {
	to := map[inventory.ID]bool{}
	for _, l := range p.Locations {
		to[inventory.ID(l.Path)] = true
	}
	var chain []inventory.Link
	for more := true; more; {
		more = false
		for _, l := range res.Links {
			if to[l.To] && !slices.ContainsFunc(chain, func(c inventory.Link) bool { return c.From == l.From && c.To == l.To }) {
				chain = append(chain, l)
				to[l.From], more = true, true
			}
		}
	}
	return chain
}
