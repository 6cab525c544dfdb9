package network

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Internet is where the questions of [Graph.Results] come from, and the first node of their paths.
const Internet inventory.ID = "internet"

// Verdict is the answer to one question.
type Verdict string

// The three answers.
const (
	Yes     Verdict = "yes"
	No      Verdict = "no"
	Unknown Verdict = "unknown"
)

// Guard is a rule or table that lets traffic pass.
type Guard struct {
	At     inventory.ID `json:"at"`   // the resource in which the rule is written
	Rule   string       `json:"rule"` // ingress tcp/443 from 0.0.0.0/0
	File   string       `json:"file"`
	Line   int          `json:"line"`
	Effect string       `json:"effect"` // allow
}

// Path is one way from where the question comes from to the workload.
type Path struct {
	Nodes  []inventory.ID `json:"nodes"`
	Guards []Guard        `json:"guards"`
}

// Block is something that alone keeps traffic out.
type Block struct {
	Code string       `json:"code"`
	At   inventory.ID `json:"at"`
}

// Run is an image or artifact that a workload runs.
type Run struct {
	ID         inventory.ID         `json:"id"`
	Confidence inventory.Confidence `json:"confidence"`
}

// NoHops is Result.Hops of a workload that nothing in the code reaches.
const NoHops = -1

// Result is the answer for one workload, managed front or proxy. Lists are sorted and never nil.
type Result struct {
	Address   inventory.ID `json:"address"`
	Reachable Verdict      `json:"reachable"`
	// Ports is what the client dials, for certain; of an unknown verdict what may be open. "all" is every protocol and port.
	Ports []string `json:"ports"`
	// TargetPorts is what arrives at the workload; nil where that is Ports.
	TargetPorts []string `json:"target_ports,omitempty"`
	// PossiblePorts is what may be open beyond Ports.
	PossiblePorts []string `json:"possible_ports,omitempty"`
	Family        []string `json:"family"`  // ipv4, ipv6
	Sources       []string `json:"sources"` // the smallest list of CIDR blocks of those who get in
	Breadth       Breadth  `json:"breadth"` // empty unless Reachable is Yes
	Shields       []string `json:"shields"` // what every path passes: waf:<acl>, auth:<kind>, firewall:<fw>, cloudfront-only
	Assumptions   []string `json:"assumptions"`
	// Hops is the least number of connections between workloads from an exposed one: 0 for an exposed one itself, NoHops
	// where no exposed workload leads here.
	Hops int `json:"hops"`
	// Layers is how many guards block each by itself: 1 is one change away from the internet. 0 unless Reachable is No.
	Layers  int                `json:"layers"`
	Paths   []Path             `json:"paths"`
	Blocked []Block            `json:"blocked"`
	Unknown []inventory.Reason `json:"unknown"`

	From inventory.ID `json:"from,omitempty"` // where the question comes from, unless that is the internet
	// Root and Environment are those of the resource, which tell equal addresses apart; Root is empty for the top folder.
	Root        string             `json:"root,omitempty"`
	Environment string             `json:"environment,omitempty"`
	Kind        Kind               `json:"kind"`
	Location    inventory.Location `json:"location"`
	Runs        []Run              `json:"runs"`
}

// Kind is what a result is about.
type Kind string

// The kinds of results.
const (
	KindWorkload  Kind = "workload"  // runs code: instance, service, function, pods
	KindStore     Kind = "store"     // keeps data: database, cache, broker, search domain
	KindProxy     Kind = "proxy"     // passes connections on: load balancer, API, distribution, ingress
	KindFront     Kind = "front"     // a public endpoint that AWS runs: cluster API, function URL
	KindInterface Kind = "interface" // a network interface that nothing is known to use
)

// portNames returns the ports of boxes as results show them. Protocols without ports are shown only where every protocol
// and port is open in a family.
func portNames(s Set) []string {
	byProto := map[uint8]Ports{}
	whole := map[Family]int{}
	for _, e := range s.entries {
		var ports Ports
		for _, b := range e.boxes {
			ports = ports.Union(b.Local)
		}
		if ports.IsAll() {
			whole[e.key.Family]++
		}
		if e.key.hasPorts() {
			byProto[e.key.Proto] = byProto[e.key.Proto].Union(ports)
		}
	}
	for _, f := range []Family{V4, V6} {
		if whole[f] >= len(everyProto(f)) {
			return []string{"all"}
		}
	}
	names := []string{}
	for _, proto := range []uint8{protoTCP, protoUDP} {
		for _, ports := range byProto[proto].Strings() {
			names = append(names, FamProto{Proto: proto}.String()+"/"+ports)
		}
	}
	return names
}

// addTo returns list with text, kept sorted and without doubles.
func addTo(list []string, texts ...string) []string {
	for _, text := range texts {
		if i, ok := slices.BinarySearch(list, text); !ok {
			list = slices.Insert(list, i, text)
		}
	}
	return list
}
