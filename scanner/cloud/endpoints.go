package cloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var endpointChecks = []Check{
	{
		Rule: rule("aws-no-gateway-endpoint", "NET-030", scanner.Low, "Private subnets that reach S3 or DynamoDB through NAT",
			"A gateway endpoint costs nothing and keeps the traffic off the internet; its policy limits which buckets can be written to. Add one for S3 (and DynamoDB) to the private route tables.",
			"CIS AWS Foundations (6.8)", "Well-Architected COST08, SEC05-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: noGatewayEndpoint,
	},
	{
		Rule: rule("aws-no-interface-endpoint", "NET-031", scanner.Low, "Private workloads that reach AWS's own interfaces through NAT",
			"Images, logs, secrets and tokens travel over the internet side of the NAT gateway. Interface endpoints keep them inside, and let the way out be closed.",
			"Security Hub EC2.10, EC2.55, EC2.56, EC2.57", "CIS AWS Foundations (6.8)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: noInterfaceEndpoint,
	},
	{
		Rule: rule("aws-endpoint-policy-open", "NET-038", scanner.Medium, "Endpoint that lets everyone do everything",
			"The endpoint's policy allows every principal every action, so that data can leave for foreign accounts; or the endpoint service takes any account without asking. "+
				"Name principals, actions and resources; ask for acceptance.", "Well-Architected SEC03-BP07"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: endpointPolicyOpen,
	},
}

// throughNAT returns the subnets of a VPC that hold workloads and whose way out is a NAT gateway.
func (p *pass) throughNAT(v *aws.VPC) []*aws.Subnet {
	var subnets []*aws.Subnet
	for _, s := range v.Subnets {
		nat := slices.ContainsFunc(s.RouteTable.Targets(), func(t *aws.RouteTable) bool {
			return slices.ContainsFunc(t.Routes, func(r *aws.Route) bool { return r.Kind == aws.ToNAT })
		})
		if nat && slices.ContainsFunc(p.byNet[s], func(i int) bool { return !p.uses[i].proxy && p.uses[i].store == nil }) {
			subnets = append(subnets, s)
		}
	}
	return subnets
}

// endpointFor reports whether a VPC has an endpoint for a service, or one for a service that is not known.
func endpointFor(v *aws.VPC, services ...string) bool {
	return slices.ContainsFunc(v.Endpoints, func(e *aws.VPCEndpoint) bool {
		name, ok := e.ServiceName.Known()
		if !ok {
			// The region in the middle is often not known; what it ends with may be.
			return !e.ServiceName.Absent() && !slices.ContainsFunc(services, func(s string) bool { return endpointNames(e) != "" && !strings.HasSuffix(endpointNames(e), "."+s) })
		}
		return slices.ContainsFunc(services, func(s string) bool { return strings.HasSuffix(name, "."+s) })
	})
}

// endpointNames returns the known end of an endpoint's service name.
func endpointNames(e *aws.VPCEndpoint) string {
	parts := e.Resource.Get("service_name").Parts()
	if parts == nil {
		parts = e.Resource.Get("ServiceName").Parts()
	}
	if len(parts) == 0 {
		return ""
	}
	text, _ := parts[len(parts)-1].Text()
	return text
}

func noGatewayEndpoint(p *pass) {
	for _, v := range p.Model.VPCs {
		if v.Origin != aws.Declared {
			continue
		}
		subnets := p.throughNAT(v)
		if len(subnets) == 0 {
			continue
		}
		var missing []string
		if !endpointFor(v, "s3") {
			missing = append(missing, "S3")
		}
		if p.hasTables(v) && !endpointFor(v, "dynamodb") {
			missing = append(missing, "DynamoDB")
		}
		if len(missing) > 0 {
			p.report(found{
				self: &v.Object, advice: "add a gateway endpoint to the private route tables",
				message: fmt.Sprintf("has workloads behind NAT (%s) and no gateway endpoint for %s", subnets[0].Address(), strings.Join(missing, " and ")),
			})
		}
	}
}

// hasTables reports whether DynamoDB is used beside a VPC: whether its root has a table other than the one that locks the
// state of Terraform, which no workload reads.
func (p *pass) hasTables(v *aws.VPC) bool {
	return slices.ContainsFunc(p.inv.Resources, func(r *inventory.Resource) bool {
		switch r.Type {
		case "aws_dynamodb_table":
			key, _ := r.Get("hash_key").Text()
			return key != "LockID" && r.Root == v.Resource.Root && r.Environment == v.Resource.Environment
		case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Serverless::SimpleTable":
			return r.Root == v.Resource.Root && r.Environment == v.Resource.Environment
		}
		return false
	})
}

func noInterfaceEndpoint(p *pass) {
	for _, v := range p.Model.VPCs {
		if v.Origin != aws.Declared {
			continue
		}
		var missing []string
		for _, s := range p.throughNAT(v) {
			for _, i := range p.byNet[s] {
				var wanted []string
				switch p.uses[i].node.(type) {
				case *aws.Service:
					wanted = []string{"ecr.dkr", "ecr.api", "logs"}
				case *aws.NodeGroup, *aws.EKSCluster:
					wanted = []string{"ecr.dkr", "ecr.api", "logs", "sts"} // roles of service accounts are asked of STS
				case *aws.Function:
					wanted = []string{"logs", "secretsmanager"}
				case *aws.Instance, *aws.AutoScalingGroup:
					wanted = []string{"ssm"}
				}
				for _, w := range wanted {
					if !slices.Contains(missing, w) && !endpointFor(v, w) {
						missing = append(missing, w)
					}
				}
			}
		}
		if len(missing) > 0 {
			slices.Sort(missing)
			p.report(found{self: &v.Object, message: fmt.Sprintf("has workloads that reach %s through NAT", strings.Join(missing, ", ")), advice: "add interface endpoints for them"})
		}
	}
}

// everything reports whether a statement allows everyone everything, without a condition.
func everything(s *aws.Statement) bool {
	star := func(list []aws.Text) bool {
		return slices.ContainsFunc(list, func(t aws.Text) bool { return t.Is("*") })
	}
	return s.Effect.Is("Allow") && !s.Unknown && !s.NotPrincipal && len(s.Conditions) == 0 && star(s.Actions) && star(s.Resources) && allPrincipals(s)
}

func allPrincipals(s *aws.Statement) bool {
	return slices.ContainsFunc(s.Principals, func(x aws.Principal) bool { return x.Type == "*" || x.ID.Is("*") })
}

func endpointPolicyOpen(p *pass) {
	for _, e := range p.Model.VPCEndpoints {
		if !e.Policy.Written || e.Exists() == inventory.NotExists {
			continue
		}
		for i := range e.Policy.Statements {
			if everything(&e.Policy.Statements[i]) {
				p.report(found{self: &e.Object, at: e.Policy.Location, message: "has a policy that allows everyone everything", advice: "name principals, actions and resources"})
				break
			}
		}
	}
	for _, s := range p.Model.VPCEndpointServices {
		anyone := slices.ContainsFunc(s.AllowedPrincipals, func(t aws.Text) bool { return t.Is("*") })
		if sure := is(s.AcceptanceRequired, false); anyone && sure != not {
			p.report(found{self: &s.Object, at: s.AcceptanceRequired.Location(), sure: sure, message: "takes connections of every account without asking", advice: "set acceptance_required to true, or name the principals", edits: set(p, s.AcceptanceRequired, "true")})
		}
	}
}
