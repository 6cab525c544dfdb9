package cloud

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// The ports that people are asked not to show to the internet, by what listens on them.
var (
	adminPorts      = []int{22, 3389, 5985, 5986, 23, 135, 445, 139}
	databasePorts   = []int{1433, 1521, 3306, 5432, 6379, 9200, 9300, 11211, 27017, 5439, 9042, 2181, 9092, 8086, 5984, 7474}
	managementPorts = []int{2375, 2376, 2379, 6443, 8443, 10250, 10255, 8500, 8200, 4646, 15672, 50070, 4444, 5601}
)

var exposureChecks = []Check{
	{
		Rule: rule("aws-load-balancer-bypass", "NET-001", scanner.High, "Workload behind a load balancer that strangers also reach directly",
			"The workload is a target of a load balancer and has a way of its own from the internet, so that listeners, authentication and a web application firewall can be walked around. "+
				"Take its public address away, or let its security group admit the load balancer's group only.", "Well-Architected SEC05-BP02", "Security Hub EC2.9"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: loadBalancerBypass,
	},
	{
		Rule: rule("aws-needless-public-subnet", "NET-002", scanner.Medium, "Subnet with a route to the internet that nothing in it needs",
			"Nothing in the subnet has a public address, and no load balancer, NAT gateway or firewall stands in it: the route to the internet gateway serves nobody and is one layer less. "+
				"Associate the subnet with a route table without that route.", "Well-Architected SEC05-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: needlessPublicSubnet,
	},
	{
		Rule: rule("aws-one-change-from-internet", "NET-003", scanner.Low, "Workload that a single change would expose",
			"One layer alone keeps the internet out: undo it, and the workload is reachable. A second layer (a private subnet, a narrower group) keeps a slip from becoming an exposure.",
			"Well-Architected SEC05-BP01"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: oneChange,
	},
	{
		Rule: rule("aws-open-admin-port", "NET-004", scanner.Critical, "Administration port open to the internet",
			"Anyone can try to log in: SSH, RDP, WinRM, Telnet or SMB answer to any address. Reach machines through Session Manager or EC2 Instance Connect Endpoint, which need no open port, "+
				"or let a known range in only.", "Security Hub EC2.13, EC2.14, EC2.19, EC2.53", "CIS AWS Foundations 5.3, 5.4 (6.3, 6.4), 5.1.2 (6.1.2) for port 445"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: func(p *pass) { openPorts(p, adminPorts) },
	},
	{
		Rule: rule("aws-open-database-port", "NET-005", scanner.Critical, "Database port open to the internet",
			"A database, cache or search engine answers to any address. Place it in a subnet without a route to the internet and let the groups of its clients in only.",
			"Security Hub EC2.19, RDS.2", "Well-Architected SEC05-BP02"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: func(p *pass) { openPorts(p, databasePorts) },
	},
	{
		Rule: rule("aws-open-management-port", "NET-006", scanner.Critical, "Management interface open to the internet",
			"The interface of a runtime, cluster or service mesh answers to any address, often without a password: Docker, etcd, kubelet, Consul, Vault, consoles. Let the operators' range in only.",
			"Security Hub EC2.19"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: func(p *pass) { openPorts(p, managementPorts) },
	},
	{
		Rule: rule("aws-open-other-port", "NET-007", scanner.High, "Unusual port open to the internet",
			"A port other than 80 and 443 answers to any address. Where the service is meant for everyone, say so in a suppression; otherwise let the known clients in only.", "Security Hub EC2.18"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: openOtherPort,
	},
}

// portSet is a list of ports as results write it.
type portSet struct {
	all    bool
	ranges []portRange
}

type portRange struct {
	proto  string
	lo, hi int
}

// parsePorts reads tcp/443, tcp/1-399, all.
func parsePorts(texts []string) portSet {
	var s portSet
	for _, text := range texts {
		if text == "all" {
			s.all = true
			continue
		}
		proto, ports, _ := strings.Cut(text, "/")
		lo, hi, isRange := strings.Cut(ports, "-")
		if !isRange {
			hi = lo
		}
		from, err1 := strconv.Atoi(lo)
		to, err2 := strconv.Atoi(hi)
		if err1 == nil && err2 == nil {
			s.ranges = append(s.ranges, portRange{proto, from, to})
		}
	}
	return s
}

// any returns the ports of a list that are in the set over TCP.
func (s portSet) any(ports []int) []int {
	var hit []int
	for _, port := range ports {
		if s.all || slices.ContainsFunc(s.ranges, func(r portRange) bool { return r.proto == "tcp" && r.lo <= port && port <= r.hi }) {
			hit = append(hit, port)
		}
	}
	return hit
}

// everyPort is a port of a set that has all.
const everyPort = -1

// other returns the first port of the set that is neither of the web nor in one of the lists, and is not left out;
// everyPort where the set has all of them.
func (s portSet) other(leftOut func(port int) bool) (port int, ok bool) {
	if s.all {
		return everyPort, true
	}
	for _, r := range s.ranges {
		for port := r.lo; port <= r.hi; port++ {
			known := r.proto == "tcp" && (port == 80 || port == 443 || slices.Contains(adminPorts, port) || slices.Contains(databasePorts, port) || slices.Contains(managementPorts, port)) ||
				r.proto == "udp" && port == 443 // HTTP/3
			if !known && !leftOut(port) {
				return port, true
			}
		}
	}
	return 0, false
}

func portNames(ports []int) string {
	names := make([]string, 0, len(ports))
	for _, p := range ports {
		names = append(names, strconv.Itoa(p))
	}
	if len(names) > 4 {
		names = append(names[:4], "...")
	}
	return strings.Join(names, ", ")
}

// endpoints are the results that are judged by their ports: what answers itself, and of proxies those that lead nowhere
// else.
func (p *pass) endpoints(yield func(*network.Result)) {
	for i := range p.Results {
		r := &p.Results[i]
		if r.Kind == network.KindProxy || r.Kind == network.KindInterface {
			continue
		}
		yield(r)
	}
}

// place is where a finding about an exposed result stands: the rule that lets the traffic in, else the resource.
func place(r *network.Result) (inventory.Location, []scanner.Related) {
	related := []scanner.Related{{Location: r.Location, Message: fmt.Sprintf("%s is declared here", r.Address)}}
	if len(r.Paths) > 0 {
		guards := r.Paths[0].Guards
		for i := len(guards) - 1; i >= 0; i-- { // the last filter before the workload
			if g := guards[i]; g.File != "" && g.Line > 0 && strings.HasPrefix(g.Rule, "ingress") {
				return inventory.Location{Path: g.File, Line: g.Line, EndLine: g.Line}, related
			}
		}
	}
	return r.Location, nil
}

// admitting returns the rules of a result's own security groups that cover a port, with their groups. It returns none where
// the ports of clients are not those that arrive.
func (p *pass) admitting(r *network.Result, port int) (rules []*aws.SecurityGroupRule, groups []*aws.SecurityGroup) {
	i, ok := p.users[answerKey{r.Root, r.Environment, r.Address}]
	if !ok || r.TargetPorts != nil {
		return nil, nil
	}
	for _, g := range targets(p.uses[i].groups) {
		for _, rule := range g.Ingress {
			from, known := rule.FromPort.Known()
			to, too := rule.ToPort.Known()
			udp := rule.Protocol.Is(17) && known && too && from <= port && port <= to
			if rule.Protocol.Is(-1) || port != everyPort && (udp || len(rulePorts(rule, []int{port})) > 0) {
				rules, groups = append(rules, rule), append(groups, g)
			}
		}
	}
	return rules, groups
}

// fewBits is the least length of a range that counts as few addresses, as in network.Breadth.
const fewBits = 8

// fromFew reports whether all rules that admit a port name ranges of few addresses: the breadth of a result is that of its
// widest port.
func (p *pass) fromFew(r *network.Result, port int) bool {
	rules, _ := p.admitting(r, port)
	for _, rule := range rules {
		if len(rule.CIDRs) == 0 {
			return false
		}
		for _, c := range rule.CIDRs {
			if prefix, ok := c.Known(); !ok || prefix.Bits() < fewBits {
				return false
			}
		}
	}
	return len(rules) > 0
}

// place is where a finding about a port of a result stands: the rule of its groups that lets everyone in, else what place
// says.
func (p *pass) place(r *network.Result, port int) (inventory.Location, []scanner.Related) {
	at, related := place(r)
	rules, groups := p.admitting(r, port)
	for i, rule := range rules {
		if slices.ContainsFunc(rule.CIDRs, func(c aws.Prefix) bool { prefix, ok := c.Known(); return ok && prefix.Bits() < fewBits }) {
			return ruleAt(groups[i], rule), []scanner.Related{{Location: r.Location, Message: fmt.Sprintf("%s is declared here", r.Address)}}
		}
	}
	return at, related
}

// mostPossible is how many ports may be open for a possible finding: that every port may be open says nothing.
const mostPossible = 3

func openPorts(p *pass, ports []int) {
	p.endpoints(func(r *network.Result) {
		sure := certain
		texts := r.Ports
		switch {
		case wide(r):
		case r.Reachable == network.Unknown:
			sure = possible
		case r.Reachable == network.Yes && len(r.PossiblePorts) > 0:
			sure, texts = possible, r.PossiblePorts
		default:
			return
		}
		hit := slices.DeleteFunc(parsePorts(texts).any(ports), func(port int) bool { return sure == certain && p.fromFew(r, port) })
		if len(hit) == 0 || sure == possible && len(hit) > mostPossible {
			return
		}
		at, related := p.place(r, hit[0])
		message := fmt.Sprintf("answers on port %s to %s", portNames(hit), strings.Join(r.Sources[:min(len(r.Sources), 3)], ", "))
		if sure == possible {
			message = fmt.Sprintf("may answer to the internet on port %s", portNames(hit))
		}
		p.reportResult(r, at, related, found{message: message, sure: sure, advice: "allow a known range only, or go through Session Manager"})
	})
}

// reportResult reports something about a result, whose address is the subject.
func (p *pass) reportResult(r *network.Result, at inventory.Location, related []scanner.Related, f found) {
	f.self = &aws.Object{Resource: &inventory.Resource{ID: r.Address, Location: r.Location}}
	f.at, f.related, f.workloads = at, related, []inventory.ID{r.Address}
	p.report(f)
}

func openOtherPort(p *pass) {
	p.endpoints(func(r *network.Result) {
		if r.Reachable != network.Yes || r.Breadth != network.BreadthAny {
			return
		}
		few := func(port int) bool { return p.fromFew(r, port) }
		port, ok := parsePorts(r.Ports).other(few)
		if !ok {
			return
		}
		unusual := slices.DeleteFunc(slices.Clone(r.Ports), func(text string) bool {
			_, ok := parsePorts([]string{text}).other(few)
			return !ok
		})
		at, related := p.place(r, port)
		p.reportResult(r, at, related, found{message: fmt.Sprintf("answers to any address on %s", strings.Join(unusual[:min(len(unusual), 4)], ", ")), advice: "allow known clients only"})
	})
}

func loadBalancerBypass(p *pass) {
	behind := map[inventory.ID]inventory.ID{}
	for _, g := range p.Model.TargetGroups {
		for _, t := range g.Targets {
			for _, o := range t.Target.Targets() {
				behind[o.Self().Address()] = g.Address()
			}
		}
	}
	for _, l := range p.Model.LoadBalancers {
		for _, t := range l.Targets {
			for _, o := range t.Target.Targets() {
				behind[o.Self().Address()] = l.Address()
			}
		}
	}
	proxies := map[inventory.ID]bool{}
	for i := range p.Results {
		proxies[p.Results[i].Address] = p.Results[i].Kind == network.KindProxy || p.Results[i].Kind == network.KindFront
	}
	p.endpoints(func(r *network.Result) {
		front, ok := behind[r.Address]
		if !ok || !wide(r) {
			return
		}
		for _, path := range r.Paths {
			if slices.ContainsFunc(path.Nodes, func(id inventory.ID) bool { return proxies[id] }) {
				continue
			}
			at, related := place(&network.Result{Location: r.Location, Address: r.Address, Paths: []network.Path{path}})
			p.reportResult(r, at, related, found{
				message: fmt.Sprintf("is reached directly, around %s which it is registered with", front), advice: "take its public address away, or admit the load balancer's group only",
			})
			return
		}
	})
}

func needlessPublicSubnet(p *pass) {
	occupied := map[*aws.VPC]bool{}
	for _, u := range p.uses {
		for _, s := range targets(u.subnets) {
			for _, v := range s.VPC.Targets() {
				occupied[v] = true
			}
		}
	}
	needed := map[*aws.Subnet]bool{}
	need := func(refs ...aws.Ref[*aws.Subnet]) {
		for _, s := range targets(refs) {
			needed[s] = true
		}
	}
	for _, n := range p.Model.NATGateways {
		need(n.Subnet)
	}
	for _, f := range p.Model.NetworkFirewalls {
		need(f.Subnets...)
	}
	clusters := map[*aws.VPC]bool{} // controllers in a cluster make load balancers that the code does not show
	for _, c := range p.Model.EKSClusters {
		for _, s := range targets(c.Subnets) {
			for _, v := range s.VPC.Targets() {
				clusters[v] = true
			}
		}
	}
	for _, u := range p.uses {
		if u.proxy || u.public.May(true) {
			need(u.subnets...)
			continue
		}
		if u.public.Absent() { // the subnet decides
			for _, s := range targets(u.subnets) {
				if s.AutoIPv4.May(true) || s.AutoIPv6.May(true) {
					needed[s] = true
				}
			}
		}
		if _, ok := u.node.(*aws.NetworkInterface); ok {
			need(u.subnets...)
		}
		if i, ok := u.node.(*aws.Instance); ok && len(i.Addresses) > 0 {
			need(u.subnets...)
		}
	}
	for _, s := range p.Model.Subnets {
		vpcs := s.VPC.Targets()
		if s.Origin != aws.Declared || needed[s] || len(vpcs) != 1 || !occupied[vpcs[0]] || clusters[vpcs[0]] || !toInternet(s) {
			continue
		}
		p.report(found{self: &s.Object, message: "has a route to the internet that nothing in it needs", advice: "associate it with a route table without that route"})
	}
}

// toInternet reports whether a subnet has a route to an internet gateway, for certain.
func toInternet(s *aws.Subnet) bool { return internetRoute(s) == certain }

// internetRoute says whether a subnet has a route to an internet gateway.
func internetRoute(s *aws.Subnet) certainty {
	tables := s.RouteTable.Targets()
	if len(tables) == 0 {
		return not
	}
	least, most := certain, not
	for _, t := range tables {
		of := not
		for _, r := range t.Routes {
			if r.Kind != aws.ToGateway && r.Kind != aws.ToUnknownTarget {
				continue
			}
			gates := r.Target.Targets()
			igw := slices.ContainsFunc(gates, func(n aws.Node) bool { _, ok := n.(*aws.InternetGateway); return ok })
			switch {
			case igw && !r.Maybe && len(gates) == 1:
				of = certain
			case igw, len(gates) == 0 && r.Kind == aws.ToUnknownTarget:
				of = max(of, possible)
			}
		}
		least, most = min(least, of), max(most, of)
	}
	if least == most {
		return least
	}
	return possible
}

func oneChange(p *pass) {
	p.endpoints(func(r *network.Result) {
		if r.Reachable != network.No || r.Layers != 1 || r.Kind == network.KindFront {
			return
		}
		var slips []network.Block // what nothing leads to, and what is internal on purpose, is no slip away
		for _, b := range r.Blocked {
			switch b.Code {
			case network.LBInternal, network.NoFront, network.NotCreated, network.LBNoTarget, network.LBNoListener, network.EndpointPrivate:
			default:
				slips = append(slips, b)
			}
		}
		if len(slips) == 0 || len(slips) > 1 && len(slips) < len(r.Blocked) { // the shortest way is the one that is closed on purpose
			return
		}
		b := slips[0]
		p.reportResult(r, r.Location, nil, found{
			message: fmt.Sprintf("is one change away from the internet: only %s keeps strangers out (%s)", b.At, b.Code), advice: "add a second layer, such as a private subnet or a narrower security group",
		})
	})
}
