package cloud

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var routeChecks = []Check{
	{
		Rule: rule("aws-route-too-broad", "NET-023", scanner.Medium, "Route to another network that is broader than that network",
			"More than the other side's range goes there, so that a new range behind it is reachable at once. Route the ranges that are meant.", "CIS AWS Foundations 5.6 (6.6)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: routeTooBroad,
	},
	{
		Rule: rule("aws-overlapping-networks", "NET-024", scanner.High, "Joined networks whose ranges overlap",
			"A packet for an address in both goes to one of them; the other can't be reached. Give each network a range of its own.", "Well-Architected REL02-BP05"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: overlappingNetworks,
	},
	{
		Rule: rule("aws-dead-route", "NET-025", scanner.Medium, "Route that leads nowhere, or from where nothing comes back",
			"The gateway is not attached to this VPC, or the other side has no route for the answers. Connections through it fail, and the route hides what was meant.", "Well-Architected REL02-BP04"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: deadRoute,
	},
}

// prefixesOf returns the known ranges of a VPC, and whether these are all.
func prefixesOf(v *aws.VPC) (list []netip.Prefix, all bool) {
	all = v.Origin == aws.Declared
	for _, c := range v.CIDRs {
		if prefix, ok := c.Known(); ok {
			list = append(list, prefix.Masked())
		} else if !c.Absent() {
			all = false
		}
	}
	return list, all && len(list) > 0
}

func covered(p netip.Prefix, by []netip.Prefix) bool {
	return slices.ContainsFunc(by, func(q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) })
}

func overlaps(a, b []netip.Prefix) (netip.Prefix, bool) {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return x, true
			}
		}
	}
	return netip.Prefix{}, false
}

// routeAt is where a route is written, and the address that it is known by.
func routeAt(t *aws.RouteTable, r *aws.Route) (inventory.ID, inventory.Location) {
	id, at := t.Address(), t.Location()
	if r.At != nil {
		id = r.At.ID
	}
	if !r.Location.IsZero() {
		at = r.Location
	}
	return id, at
}

// eachRoute visits the routes that the code writes.
func (p *pass) eachRoute(yield func(*aws.RouteTable, *aws.Route)) {
	for _, t := range p.Model.RouteTables {
		if t.Exists() == inventory.NotExists {
			continue
		}
		for _, r := range t.Routes {
			if r.At != nil {
				yield(t, r)
			}
		}
	}
}

// otherSide returns the VPC of a peering connection that is not v.
func otherSide(c *aws.VPCPeeringConnection, v *aws.VPC) *aws.VPC {
	if c.Requester.Resolved() && c.Accepter.Resolved() {
		switch v {
		case c.Requester.To:
			return c.Accepter.To
		case c.Accepter.To:
			return c.Requester.To
		}
	}
	return nil
}

func routeTooBroad(p *pass) {
	p.eachRoute(func(t *aws.RouteTable, r *aws.Route) {
		destination, ok := r.Destination.Known()
		if !ok || !t.VPC.Resolved() {
			return
		}
		id, at := routeAt(t, r)
		for _, target := range r.Target.Targets() {
			var beyond string
			switch gate := target.(type) {
			case *aws.VPCPeeringConnection:
				other := otherSide(gate, t.VPC.To)
				if other == nil {
					if destination.Bits() == 0 {
						beyond = "everything"
					}
					break
				}
				if ranges, all := prefixesOf(other); all && !covered(destination, ranges) {
					beyond = fmt.Sprintf("%s, which is more than %s has,", destination, other.Address())
				}
			case *aws.TransitGateway:
				var known []netip.Prefix
				whole := len(gate.Attachments) > 0 && gate.Origin == aws.Declared
				for _, a := range gate.Attachments {
					for _, v := range a.VPC.Targets() {
						ranges, all := prefixesOf(v)
						known, whole = append(known, ranges...), whole && all
					}
					whole = whole && a.Kind == "vpc"
				}
				if destination.Bits() == 0 || whole && destination.Bits() <= 8 && !covered(destination, known) {
					beyond = destination.String()
				}
			case *aws.VPNGateway:
				if destination.Bits() == 0 {
					beyond = "everything"
				}
			}
			if beyond != "" {
				p.report(found{self: &t.Object, subject: id, at: at, message: fmt.Sprintf("sends %s to %s", beyond, target.Self().Address()), advice: "route the ranges that are meant"})
			}
		}
	})
}

func overlappingNetworks(p *pass) {
	for _, c := range p.Model.Peerings {
		if !c.Requester.Resolved() || !c.Accepter.Resolved() || c.Requester.To == c.Accepter.To {
			continue
		}
		a, _ := prefixesOf(c.Requester.To)
		b, _ := prefixesOf(c.Accepter.To)
		if shared, ok := overlaps(a, b); ok {
			p.report(found{self: &c.Object, message: fmt.Sprintf("joins %s and %s, which both have addresses in %s", c.Requester.To.Address(), c.Accepter.To.Address(), shared), advice: "give each network a range of its own"})
		}
	}
	for _, g := range p.Model.TransitGateways {
		for i, a := range g.Attachments {
			for _, b := range g.Attachments[:i] {
				if !a.VPC.Resolved() || !b.VPC.Resolved() || a.VPC.To == b.VPC.To {
					continue
				}
				x, _ := prefixesOf(a.VPC.To)
				y, _ := prefixesOf(b.VPC.To)
				if shared, ok := overlaps(x, y); ok {
					p.report(found{self: &a.Object, message: fmt.Sprintf("attaches %s beside %s, which both have addresses in %s", a.VPC.To.Address(), b.VPC.To.Address(), shared), advice: "give each network a range of its own"})
				}
			}
		}
	}
}

// leadsTo reports whether some table of a VPC sends a part of a range to a gateway. What is not known may.
func leadsTo(v *aws.VPC, gate aws.Node, ranges []netip.Prefix) bool {
	if v.Origin != aws.Declared {
		return true
	}
	for _, t := range v.RouteTables {
		for _, r := range t.Routes {
			targets := r.Target.Targets()
			if !slices.Contains(targets, gate) && (len(targets) > 0 || !r.Target.Unknown()) {
				continue
			}
			destination, ok := r.Destination.Known()
			if !ok || slices.ContainsFunc(ranges, destination.Overlaps) {
				return true
			}
		}
	}
	return false
}

func deadRoute(p *pass) {
	p.eachRoute(func(t *aws.RouteTable, r *aws.Route) {
		if !t.VPC.Resolved() || !r.Target.Resolved() || r.Maybe {
			return
		}
		id, at := routeAt(t, r)
		report := func(format string, args ...any) {
			p.report(found{self: &t.Object, subject: id, at: at, message: fmt.Sprintf(format, args...), advice: "attach the gateway, or write the route back"})
		}
		own, known := prefixesOf(t.VPC.To)
		switch gate := r.Target.To.(type) {
		case *aws.InternetGateway:
			if gate.Origin == aws.Declared && !attachedTo(gate.Attachments, t.VPC.To) {
				report("leads to %s, which is not attached to %s", gate.Address(), t.VPC.To.Address())
			}
		case *aws.VPNGateway:
			if gate.Origin == aws.Declared && !attachedTo(gate.Attachments, t.VPC.To) {
				report("leads to %s, which is not attached to %s", gate.Address(), t.VPC.To.Address())
			}
		case *aws.VPCPeeringConnection:
			if other := otherSide(gate, t.VPC.To); other != nil && known && !leadsTo(other, gate, own) {
				report("leads through %s to %s, which has no route back", gate.Address(), other.Address())
			}
		case *aws.TransitGateway:
			if gate.Origin != aws.Declared {
				return
			}
			attached := false
			for _, a := range gate.Attachments {
				attached = attached || slices.Contains(a.VPC.Targets(), t.VPC.To) || a.VPC.Unknown()
			}
			if !attached {
				report("leads to %s, to which %s is not attached", gate.Address(), t.VPC.To.Address())
				return
			}
			destination, ok := r.Destination.Known()
			if !ok || !known || destination.Bits() == 0 {
				return
			}
			for _, a := range gate.Attachments {
				if !a.VPC.Resolved() || a.VPC.To == t.VPC.To {
					continue
				}
				if ranges, all := prefixesOf(a.VPC.To); all && slices.ContainsFunc(ranges, destination.Overlaps) && !leadsTo(a.VPC.To, gate, own) {
					report("leads through %s to %s, which has no route back", gate.Address(), a.VPC.To.Address())
				}
			}
		}
	})
}

// attachedTo reports whether a gateway is attached to a VPC, or may be.
func attachedTo(list []*aws.GatewayAttachment, v *aws.VPC) bool {
	return slices.ContainsFunc(list, func(a *aws.GatewayAttachment) bool { return slices.Contains(a.VPC.Targets(), v) || a.VPC.Unknown() })
}
