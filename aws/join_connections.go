package aws

import (
	"fmt"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// startTransitGateway makes the route table that AWS makes with a gateway.
func (b *builder) startTransitGateway(_ *unit, _ *inventory.Resource, g *TransitGateway) {
	t := &TransitGatewayRouteTable{Gateway: To(g)}
	implied(&t.Object, &g.Object)
	if g.Origin == External {
		t.Origin, t.Literal, t.why = External, g.Literal, g.why
	}
	g.DefaultRouteTable = t
}

func (d *decoder) joinAccepter() {
	r := refTo[*VPCPeeringConnection](d, d.get("vpc_peering_connection_id", "-"))
	accept := leafAt[bool](d, d.get("auto_accept", "-"), "")
	for _, p := range r.Targets() {
		p.Accepted = accept
		if accept.Absent() {
			p.Accepted = Of(false)
		}
	}
}

func (d *decoder) joinTransitRoute() {
	r := &TransitGatewayRoute{Written: d.own()}
	d.sure().fields(r, d.resource.Values)
	for _, t := range r.Table.Targets() {
		t.Routes = append(t.Routes, r)
	}
}

func (d *decoder) joinTransitAssociation() {
	a := refTo[*TransitGatewayAttachment](d, d.get("transit_gateway_attachment_id", "TransitGatewayAttachmentId"))
	table := refTo[*TransitGatewayRouteTable](d, d.get("transit_gateway_route_table_id", "TransitGatewayRouteTableId"))
	if d.resource.Exists == inventory.MayExist {
		table.flags, table.reasons = table.flags|maybe, d.resource.Reasons
	}
	for _, a := range a.Targets() {
		a.Association = table
	}
}

func (d *decoder) joinTransitPropagation() {
	p := TransitGatewayPropagation{Written: d.own()}
	d.sure().fields(&p, d.resource.Values)
	p.join()
}

func (p TransitGatewayPropagation) join() {
	for _, a := range p.Attachment.Targets() {
		a.Propagations = append(a.Propagations, p)
	}
	for _, t := range p.Table.Targets() {
		t.Propagations = append(t.Propagations, p)
	}
}

func (d *decoder) joinAttachmentAccepter() {
	r := refTo[*TransitGatewayAttachment](d, d.get("transit_gateway_attachment_id", "-"))
	for _, a := range r.Targets() {
		if v := leafAt[bool](d, d.get("transit_gateway_default_route_table_association", "-"), ""); !v.Absent() {
			a.DefaultAssociation = v
		}
		if v := leafAt[bool](d, d.get("transit_gateway_default_route_table_propagation", "-"), ""); !v.Absent() {
			a.DefaultPropagation = v
		}
	}
}

// finishVPNConnection reads the tunnels: two sets of numbered attributes in Terraform, a list in CloudFormation.
func (d *decoder) finishVPNConnection(v *VPNConnection) {
	if d.cfn {
		for _, t := range blocksOf(d.get("-", "VpnTunnelOptionsSpecifications")) {
			values := func(name string) (all []inventory.Value) {
				for _, b := range blocksOf(t.Get(name)) {
					all = append(all, b.Get("Value"))
				}
				return all
			}
			v.Tunnels = append(v.Tunnels, VPNTunnel{
				IKEVersions:      leaves[string](values("IKEVersions")),
				Phase1Encryption: leaves[string](values("Phase1EncryptionAlgorithms")),
				Phase1Integrity:  leaves[string](values("Phase1IntegrityAlgorithms")),
				Phase1DHGroups:   leaves[int](values("Phase1DHGroupNumbers")),
				Phase2Encryption: leaves[string](values("Phase2EncryptionAlgorithms")),
				Phase2Integrity:  leaves[string](values("Phase2IntegrityAlgorithms")),
				Phase2DHGroups:   leaves[int](values("Phase2DHGroupNumbers")),
				PreSharedKey:     leafAt[string](d, t.Get("PreSharedKey"), "secret"),
				LogEnabled:       leafAt[bool](d, t.Get("LogOptions", "CloudwatchLogOptions", "LogEnabled"), ""),
			})
		}
		return
	}
	for i := range 2 {
		at := func(name string) inventory.Value { return d.resource.Get(fmt.Sprintf("tunnel%d_%s", i+1, name)) }
		list := func(name string) []inventory.Value { return listed(at(name)) }
		v.Tunnels = append(v.Tunnels, VPNTunnel{
			IKEVersions:      leaves[string](list("ike_versions")),
			Phase1Encryption: leaves[string](list("phase1_encryption_algorithms")),
			Phase1Integrity:  leaves[string](list("phase1_integrity_algorithms")),
			Phase1DHGroups:   leaves[int](list("phase1_dh_group_numbers")),
			Phase2Encryption: leaves[string](list("phase2_encryption_algorithms")),
			Phase2Integrity:  leaves[string](list("phase2_integrity_algorithms")),
			Phase2DHGroups:   leaves[int](list("phase2_dh_group_numbers")),
			PreSharedKey:     leafAt[string](d, at("preshared_key"), "secret"),
			LogEnabled:       leafAt[bool](d, at("log_options").Get("cloudwatch_log_options", "log_enabled"), ""),
		})
	}
}

// leaves converts the elements of a list.
func leaves[T comparable](values []inventory.Value) []Value[T] {
	var all []Value[T]
	for _, v := range values {
		if leaf := leafOf[T](v, "", 0); !leaf.Absent() {
			all = append(all, leaf)
		}
	}
	return all
}

func (d *decoder) joinVPNRoute() {
	r := refTo[*VPNConnection](d, d.get("vpn_connection_id", "VpnConnectionId"))
	for _, v := range r.Targets() {
		route := VPNRoute{Written: d.own()}
		d.sure().fields(&route, d.resource.Values)
		v.Routes = append(v.Routes, route)
	}
}

func (d *decoder) joinClientNetwork() {
	r := refTo[*ClientVPNEndpoint](d, d.get("client_vpn_endpoint_id", "ClientVpnEndpointId"))
	for _, e := range r.Targets() {
		e.Subnets = append(e.Subnets, refTo[*Subnet](d, d.get("subnet_id", "SubnetId")))
	}
}

func (d *decoder) joinClientRule() {
	r := refTo[*ClientVPNEndpoint](d, d.get("client_vpn_endpoint_id", "ClientVpnEndpointId"))
	for _, e := range r.Targets() {
		rule := ClientVPNAuthorization{Written: d.own()}
		d.sure().fields(&rule, d.resource.Values)
		e.Authorizations = append(e.Authorizations, rule)
	}
}

func (d *decoder) joinDirectConnect() {
	r := refTo[*DirectConnectGateway](d, d.get("dx_gateway_id", "DirectConnectGatewayId"))
	for _, g := range r.Targets() {
		a := DirectConnectAssociation{Written: d.own()}
		d.sure().fields(&a, d.resource.Values)
		g.Associations = append(g.Associations, a)
	}
}

func (d *decoder) finishEndpoint(e *VPCEndpoint) {
	if e.Type.Absent() {
		e.Type = Of("Gateway")
	}
}

func (d *decoder) joinEndpoint() {
	r := refTo[*VPCEndpoint](d, d.get("vpc_endpoint_id", "-"))
	for _, e := range r.Targets() {
		if t := refTo[*RouteTable](d, d.get("route_table_id", "-")); !t.Absent() {
			e.RouteTables = append(e.RouteTables, t)
		}
		if s := refTo[*Subnet](d, d.get("subnet_id", "-")); !s.Absent() {
			e.Subnets = append(e.Subnets, s)
		}
		if g := refTo[*SecurityGroup](d, d.get("security_group_id", "-")); !g.Absent() {
			e.SecurityGroups = append(e.SecurityGroups, g)
		}
		if p := d.get("policy", "-"); !p.IsNull() {
			e.Policy = d.policy(p)
		}
	}
}

func (d *decoder) joinPrincipal() {
	r := refTo[*VPCEndpointService](d, d.get("vpc_endpoint_service_id", "ServiceId"))
	for _, s := range r.Targets() {
		s.AllowedPrincipals = append(s.AllowedPrincipals, leaves[string](append(listed(d.get("-", "AllowedPrincipals")), d.get("principal_arn", "-")))...)
	}
}

// linkConnections decides what all resources together say about peerings and transit gateways.
func (b *builder) linkConnections() {
	for _, p := range b.m.Peerings {
		if p.Accepted.Absent() {
			p.Accepted = b.accepted(p)
		}
		for _, r := range []Ref[*VPC]{p.Requester, p.Accepter} {
			for _, v := range r.Targets() {
				if !slices.Contains(v.Peerings, p) {
					v.Peerings = append(v.Peerings, p)
				}
			}
		}
	}
	for _, v := range b.m.VPNConnections {
		if v.TransitGateway.Absent() {
			continue
		}
		a := &TransitGatewayAttachment{Kind: "vpn", Gateway: v.TransitGateway, VPN: To(v), DefaultAssociation: Of(true), DefaultPropagation: Of(true)}
		implied(&a.Object, &v.Object)
		b.m.TransitAttachments = append(b.m.TransitAttachments, a)
	}
	for _, g := range b.m.TransitGateways {
		if g.Origin != External {
			b.m.TransitRouteTables = append(b.m.TransitRouteTables, g.DefaultRouteTable)
		}
	}
	for _, t := range b.m.TransitRouteTables {
		for _, g := range t.Gateway.Targets() {
			g.RouteTables = append(g.RouteTables, t)
		}
	}
	for _, a := range b.m.TransitAttachments {
		b.linkAttachment(a)
	}
}

// accepted says whether a peering becomes active when nothing accepts it in so many words. CloudFormation accepts what is
// within one account itself; Terraform leaves it pending.
func (b *builder) accepted(p *VPCPeeringConnection) Bool {
	if p.Resource != nil && p.Resource.Language == inventory.CloudFormation {
		return Of(true)
	}
	if !p.AutoAccept.Absent() {
		return p.AutoAccept
	}
	return Of(false)
}

func (b *builder) linkAttachment(a *TransitGatewayAttachment) {
	for _, v := range a.VPC.Targets() {
		v.TransitAttachments = append(v.TransitAttachments, a)
	}
	for _, g := range a.Gateway.Targets() {
		g.Attachments = append(g.Attachments, a)
		at := Written{At: a.Resource, Location: a.Location()}
		if a.Association.Absent() {
			switch on := both(g.DefaultAssociation, a.DefaultAssociation); {
			case on.Is(true):
				a.Association = To(g.DefaultRouteTable)
			case on.May(true):
				a.Association = Ref[*TransitGatewayRouteTable]{AnyOf: []*TransitGatewayRouteTable{g.DefaultRouteTable}, state: unknown, reasons: on.Reasons()}
			}
		}
		if a.Kind == "peering" {
			continue // no propagation over peerings
		}
		if on := both(g.DefaultPropagation, a.DefaultPropagation); on.May(true) {
			p := TransitGatewayPropagation{Written: at, Table: To(g.DefaultRouteTable), Attachment: To(a)}
			if !on.Is(true) {
				p.Maybe, p.Reasons = true, on.Reasons()
			}
			p.join()
		}
	}
}

// both says whether a gateway's default holds for an attachment.
func both(gateway Text, attachment Bool) Bool {
	switch {
	case attachment.Is(false) || !gateway.Unknown() && !gateway.Is("enable"):
		return Of(false)
	case gateway.Unknown():
		return UnknownOf[bool](gateway.Reasons()...)
	case attachment.Unknown():
		return attachment
	}
	return Of(true)
}
