package cloud

import "github.com/trifecta-scanner/trifecta/scanner"

// Section is a part of docs/rules.md.
type Section struct {
	Title, Text string
	Rules       []scanner.Rule
}

// Sections returns the parts of docs/rules.md that list the rules of this package: each rule is in one.
func Sections() []Section {
	section := func(title, text string, lists ...[]Check) Section {
		s := Section{Title: title, Text: text}
		for _, checks := range lists {
			for i := range checks {
				s.Rules = append(s.Rules, checks[i].Rule)
			}
		}
		return s
	}
	return []Section{
		section("Exposure to the internet", "What strangers reach, by the [network model](network-model.md): a finding stands at the rule that lets them in.", exposureChecks),
		section("Security groups", "Rules of groups, whether or not something is exposed by them.", groupChecks),
		section("Subnets, network ACLs and public addresses", "The second layer in front of data, and addresses that nobody needs.", subnetChecks),
		section("Routes and connections", "Peering, transit gateways, VPN and what they join.", routeChecks, connectionChecks),
		section("Endpoints", "The ways to AWS's own services, and to those of others.", endpointChecks),
		section("Fronts", "Load balancers, APIs, distributions, web ACLs and cluster APIs.", frontChecks),
		section("Zones and regions", "What one zone takes down, and where things may be.", resilienceChecks),
		section("Clusters and their network", "What Kubernetes shows of itself to the network of its cloud.", clusterChecks),
		section("Hosts and stores", "Machines, their patches and their metadata; encryption; images of what is exposed.", hostChecks),
	}
}
