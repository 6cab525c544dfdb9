package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var connectionChecks = []Check{
	{
		Rule: rule("aws-transit-gateway-open", "NET-026", scanner.Medium, "Transit gateway that joins whatever is attached",
			"Attachments of other accounts are accepted without a person, or networks of different environments share the default route table, in which everyone reaches everyone. "+
				"Accept by hand, and give each environment a route table.", "Security Hub EC2.23", "Well-Architected SEC05-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: transitGatewayOpen,
	},
	{
		Rule: rule("aws-weak-vpn", "NET-027", scanner.High, "VPN tunnel with weak cryptography, or with one leg",
			"The tunnel allows IKE version 1, ciphers or groups that no longer hold, or has its key in the code; or there is one tunnel, one customer gateway or no log. "+
				"Allow ikev2, AES256-GCM-16, SHA2 and groups from 19 on, let AWS make the keys, and keep both tunnels up.", "Security Hub EC2.20, EC2.171", "Well-Architected SEC09-BP02, REL02-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: weakVPN,
	},
	{
		Rule: rule("aws-client-vpn-open", "NET-028", scanner.Medium, "Client VPN that lets every user reach everything, or keeps no log",
			"Authorise groups for the ranges that they need, and turn the connection log on.", "Security Hub EC2.51"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: clientVPNOpen,
	},
	{
		Rule: rule("aws-no-flow-log", "NET-029", scanner.Medium, "VPC without a flow log",
			"Without a flow log nobody can tell afterwards who spoke with whom. Add one for the VPC, at least of rejected traffic.", "Security Hub EC2.6", "CIS AWS Foundations 3.7", "Well-Architected SEC04-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: noFlowLog,
	},
}

// stages are the words by which people call environments, each with what it is.
var stages = map[string]string{
	"prod": "production", "production": "production", "prd": "production", "live": "production", "dev": "development", "development": "development", "test": "test", "testing": "test",
	"stage": "staging", "staging": "staging", "stg": "staging", "qa": "test", "sandbox": "sandbox", "preprod": "staging",
}

var wordEnds = regexp.MustCompile(`[^a-z]+`)

// stageOf returns the environment that a name speaks of; empty where it speaks of none.
func stageOf(names ...string) string {
	for _, name := range names {
		for _, word := range wordEnds.Split(strings.ToLower(name), -1) {
			if stage := stages[word]; stage != "" {
				return stage
			}
		}
	}
	return ""
}

// stageOfFolder returns the environment that a path speaks of: the innermost folder that is called so, in at most two words.
// A folder with a title, such as production-grade-infrastructure, is about something else.
func stageOfFolder(path string) string {
	folders := strings.Split(path, "/")
	for _, folder := range slices.Backward(folders) {
		if words := strings.FieldsFunc(folder, func(r rune) bool { return r == '-' || r == '_' || r == '.' || r == ' ' }); len(words) <= 2 {
			if stage := stageOf(words...); stage != "" {
				return stage
			}
		}
	}
	return ""
}

func transitGatewayOpen(p *pass) {
	for _, g := range p.Model.TransitGateways {
		if g.Origin != aws.Declared {
			continue
		}
		if sure := is(g.AutoAccept, "enable"); sure != not && g.AutoAccept.Written() {
			p.report(found{
				self: &g.Object, at: g.AutoAccept.Location(), sure: sure, message: "accepts attachments of other accounts by itself", advice: "set auto_accept_shared_attachments to disable",
				edits: set(p, g.AutoAccept, `"disable"`),
			})
		}
		if g.DefaultAssociation.Is("disable") || g.DefaultPropagation.Is("disable") {
			continue
		}
		inStage := map[string]inventory.ID{}
		for _, a := range g.Attachments {
			if len(a.Association.Targets()) > 0 && !slices.Contains(a.Association.Targets(), g.DefaultRouteTable) {
				continue
			}
			names := []string{string(a.Address())}
			for _, v := range a.VPC.Targets() {
				names = append(names, string(v.Address()))
			}
			if stage := stageOf(names...); stage != "" {
				inStage[stage] = a.Address()
			}
		}
		if len(inStage) > 1 {
			var ids []inventory.ID
			for _, id := range inStage {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			p.report(found{self: &g.Object, message: fmt.Sprintf("joins networks of different environments by its default route table (%s)", list(ids)), advice: "give each environment a route table"})
		}
	}
}

// weakCiphers and the like are no longer good for new tunnels
// (https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html lists what a tunnel allows by default).
var weakGroups = []int{2, 5}

func weakVPN(p *pass) {
	for _, c := range p.Model.VPNConnections {
		if c.Exists() == inventory.NotExists {
			continue
		}
		var weak []string
		note := func(text string) {
			if !slices.Contains(weak, text) {
				weak = append(weak, text)
			}
		}
		unlogged := false
		var at inventory.Location
		for _, t := range c.Tunnels {
			for _, v := range t.IKEVersions {
				if v.Is("ikev1") {
					note("IKE version 1")
					at = v.Location()
				}
			}
			for _, v := range t.Phase1Integrity {
				if v.Is("SHA1") && len(t.Phase1Integrity) == 1 && (len(t.Phase1Encryption) == 1 && t.Phase1Encryption[0].Is("AES128")) {
					note("only AES128 with SHA1")
					at = v.Location()
				}
			}
			for _, groups := range [][]aws.Int{t.Phase1DHGroups, t.Phase2DHGroups} {
				for _, v := range groups {
					if n, ok := v.Known(); ok && slices.Contains(weakGroups, n) {
						note(fmt.Sprintf("Diffie-Hellman group %d", n))
						at = v.Location()
					}
				}
			}
			for _, list := range [][]aws.Text{t.Phase1Encryption, t.Phase2Encryption} {
				for _, v := range list {
					if text, ok := v.Known(); ok && strings.Contains(strings.ToUpper(text), "DES") {
						note(text)
						at = v.Location()
					}
				}
			}
			if _, known := t.PreSharedKey.Known(); known && t.PreSharedKey.Written() {
				note("a key in the code")
				at = t.PreSharedKey.Location()
			}
			unlogged = unlogged || !t.LogEnabled.May(true)
		}
		if len(weak) > 0 {
			p.report(found{self: &c.Object, at: at, message: "allows " + strings.Join(weak, ", "), advice: "allow ikev2, AES256-GCM-16, SHA2-256 and groups from 19 on, and let AWS make the keys"})
		}
		if unlogged && len(c.Tunnels) > 0 {
			p.report(found{self: &c.Object, severity: scanner.Medium, message: "keeps no log of its tunnels", advice: "turn log_enabled on for both tunnels"})
		}
	}
	p.singleVPNs()
}

// singleVPNs reports the connections of gateways that hang on one device of the other side.
func (p *pass) singleVPNs() {
	type side struct {
		first   *aws.VPNConnection
		devices map[*aws.CustomerGateway]bool
		unknown bool
	}
	sides := map[aws.Node]*side{}
	var order []*side
	for _, c := range p.Model.VPNConnections {
		if c.Exists() == inventory.NotExists {
			continue
		}
		var gateway aws.Node
		switch {
		case c.Gateway.Resolved():
			gateway = c.Gateway.To
		case c.TransitGateway.Resolved():
			gateway = c.TransitGateway.To
		default:
			continue
		}
		s := sides[gateway]
		if s == nil {
			s = &side{first: c, devices: map[*aws.CustomerGateway]bool{}}
			sides[gateway], order = s, append(order, s)
		}
		if c.CustomerGateway.Resolved() {
			s.devices[c.CustomerGateway.To] = true
		} else {
			s.unknown = true // it may be another device
		}
	}
	for _, s := range order {
		if len(s.devices) == 1 && !s.unknown {
			p.report(found{
				self: &s.first.Object, severity: scanner.Medium, message: fmt.Sprintf("ends at %s, the only device on the other side", s.first.CustomerGateway.To.Resource.ID),
				advice: "connect a second customer gateway at another address",
			})
		}
	}
}

func clientVPNOpen(p *pass) {
	for _, c := range p.Model.ClientVPNEndpoints {
		for i := range c.Authorizations {
			a := &c.Authorizations[i]
			sure := max(everyone(a.Target), both(is(a.AllGroups, true), everyoneOrWide(a.Target)))
			if sure == not {
				continue
			}
			f := found{self: &c.Object, at: a.Location, sure: sure, message: "lets its users reach everything", advice: "authorise groups for the ranges that they need"}
			if a.At != nil {
				f.subject = a.At.ID
			}
			p.report(f)
		}
		if c.ConnectionLog.Is(false) || c.ConnectionLog.Absent() {
			p.report(found{self: &c.Object, at: c.ConnectionLog.Location(), message: "keeps no connection log", advice: "set connection_log_options.enabled to true", edits: set(p, c.ConnectionLog, "true")})
		}
	}
}

// everyoneOrWide reports whether a range is as wide as a private network.
func everyoneOrWide(c aws.Prefix) certainty { return widerThan(c, 13, 32) }

func noFlowLog(p *pass) {
	for _, v := range p.Model.VPCs {
		if v.Origin != aws.Declared || v.Exists() == inventory.NotExists || len(v.FlowLogs) > 0 {
			continue
		}
		logged := len(v.Subnets) > 0
		for _, s := range v.Subnets {
			logged = logged && len(s.FlowLogs) > 0
		}
		doubt := certain
		for _, f := range p.Model.FlowLogs { // one whose target is not known may be for this VPC
			if f.VPC.Unknown() || f.Of.Unknown() {
				doubt = possible
			}
		}
		if !logged {
			p.report(found{self: &v.Object, sure: doubt, message: "has no flow log", advice: "add one for the VPC, at least of rejected traffic"})
		}
	}
}
