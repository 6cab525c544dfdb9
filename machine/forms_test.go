package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestForms has a row for each form in which code names an image: what it is found as, which workloads start from it, and where
// it can be replaced.
func TestForms(t *testing.T) {
	const id = "ami-0fb653ca2d3203ac1"
	cdk := `{"Mappings":{"Images":{"eu-west-1":{"AMI":"` + id + `"}}},"Resources":{"Host":{"Type":"AWS::EC2::Instance","Properties":{
"ImageId":{"Fn::FindInMap":["Images",{"Ref":"AWS::Region"},"AMI"]}}}}}`
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string // form id @region -> workload at path:line
	}{
		{"literal", map[string]string{"main.tf": `resource "aws_instance" "a" { ami = "` + id + `" }`}, []string{"literal " + id + " -> aws_instance.a at main.tf:1"}},
		{
			"variable", map[string]string{"main.tf": `resource "aws_instance" "a" { ami = var.ami }`, "variables.tf": "variable \"ami\" {\n  default = \"" + id + "\"\n}"},
			[]string{"literal " + id + " -> aws_instance.a at variables.tf:2"},
		},
		{
			"tfvars", map[string]string{"main.tf": "resource \"aws_instance\" \"a\" { ami = var.ami }\nvariable \"ami\" {}", "terraform.tfvars": `ami = "` + id + `"`},
			[]string{"literal " + id + " -> aws_instance.a at terraform.tfvars:1"},
		},
		{
			"map by region", map[string]string{"main.tf": "locals {\n  images = {\n    eu-west-1 = \"" + id + "\"\n    \"us-east-1\" = \"ami-0fb653ca2d3203ac2\"\n  }\n}\nresource \"aws_instance\" \"a\" { ami = local.images[\"eu-west-1\"] }"},
			[]string{"mapping " + id + " @eu-west-1 -> aws_instance.a at main.tf:3", "mapping ami-0fb653ca2d3203ac2 @us-east-1 at main.tf:4"},
		},
		{
			"map in a tfvars file", map[string]string{"main.tf": "variable \"images\" { type = map(string) }\nresource \"aws_instance\" \"a\" { ami = var.images[\"eu-west-1\"] }", "x.auto.tfvars": "images = {\n  eu-west-1 = \"" + id + "\"\n}"},
			[]string{"mapping " + id + " @eu-west-1 -> aws_instance.a at x.auto.tfvars:2"},
		},
		{
			"lookup", map[string]string{"main.tf": "variable \"region\" { default = \"eu-west-1\" }\nvariable \"images\" {\n  default = {\n    \"eu-west-1\" = \"" + id + "\"\n  }\n}\nresource \"aws_launch_template\" \"t\" { image_id = lookup(var.images, var.region) }\nresource \"aws_autoscaling_group\" \"g\" {\n  launch_template { id = aws_launch_template.t.id }\n}"},
			[]string{"mapping " + id + " @eu-west-1 -> aws_autoscaling_group.g at main.tf:4"},
		},
		{
			"Mappings of one level more", map[string]string{"s.yaml": "Mappings:\n  Images:\n    eu-west-1:\n      HVM64: " + id + "\n      HVMG2: ami-0fb653ca2d3203ac2\nResources:\n  A:\n    Type: AWS::EC2::Instance\n    Properties:\n      ImageId: !FindInMap [Images, !Ref AWS::Region, HVM64]\n"},
			[]string{"mapping " + id + " @eu-west-1 -> A at s.yaml:4", "mapping ami-0fb653ca2d3203ac2 @eu-west-1 at s.yaml:5"},
		},
		{
			"FindInMap within FindInMap", map[string]string{"s.yaml": "Parameters:\n  Type: {Type: String, Default: t3.micro}\nMappings:\n  Arch:\n    t3.micro: {Arch: HVM64}\n  Images:\n    eu-west-1: {HVM64: " + id + "}\nResources:\n  A:\n    Type: AWS::EC2::Instance\n    Properties:\n      ImageId: !FindInMap [Images, !Ref AWS::Region, !FindInMap [Arch, !Ref Type, Arch]]\n"},
			[]string{"mapping " + id + " @eu-west-1 -> A at s.yaml:7"},
		},
		{
			"parameter with a default", map[string]string{"s.yaml": "Parameters:\n  Image: {Type: \"AWS::EC2::Image::Id\", Default: " + id + "}\nResources:\n  A:\n    Type: AWS::EC2::Instance\n    Properties: {ImageId: !Ref Image}\n"},
			[]string{"literal " + id + " -> A at s.yaml:2"},
		},
		{
			"parameter of the type of a public parameter", map[string]string{"s.yaml": "Parameters:\n  Image:\n    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>\n    Default: /aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2\nResources:\n  A:\n    Type: AWS::EC2::Instance\n    Properties: {ImageId: !Ref Image}\n"},
			[]string{"ssm-parameter /aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2 -> A at s.yaml:4"},
		},
		{
			"resolve:ssm of a launch template", map[string]string{"main.tf": "resource \"aws_launch_template\" \"t\" {\n  image_id = \"resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64\"\n}\nresource \"aws_autoscaling_group\" \"g\" {\n  launch_template { id = aws_launch_template.t.id }\n}"},
			[]string{"ssm-parameter /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64 -> aws_autoscaling_group.g at main.tf:2"},
		},
		{
			"dynamic reference in a map", map[string]string{"s.yaml": "Mappings:\n  Images:\n    eu-west-1:\n      A: '{{resolve:ssm:/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2}}'\nResources:\n  A:\n    Type: AWS::EC2::Instance\n    Properties:\n      ImageId: !FindInMap [Images, !Ref AWS::Region, A]\n"},
			[]string{"ssm-parameter /aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2 -> A at s.yaml:4"},
		},
		{
			"data source of a public parameter", map[string]string{"main.tf": "data \"aws_ssm_parameter\" \"p\" {\n  name = \"/aws/service/canonical/ubuntu/server/20.04/stable/current/amd64/hvm/ebs-gp2/ami-id\"\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ssm_parameter.p.value }"},
			[]string{"ssm-parameter /aws/service/canonical/ubuntu/server/20.04/stable/current/amd64/hvm/ebs-gp2/ami-id -> aws_instance.a at main.tf:2"},
		},
		{
			"a path that is put together", map[string]string{"main.tf": "variable \"v\" { default = \"1.29\" }\ndata \"aws_ssm_parameter\" \"p\" {\n  name = \"/aws/service/eks/optimized-ami/${var.v}/amazon-linux-2/recommended/image_id\"\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ssm_parameter.p.value }"},
			[]string{"ssm-parameter /aws/service/eks/optimized-ami/1.29/amazon-linux-2/recommended/image_id -> aws_instance.a"},
		},
		{
			"a path of which a part is not known", map[string]string{"main.tf": "variable \"v\" {}\ndata \"aws_ssm_parameter\" \"p\" {\n  name = \"/aws/service/eks/optimized-ami/${var.v}/amazon-linux-2/recommended/image_id\"\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ssm_parameter.p.value }"},
			[]string{"ssm-parameter data.aws_ssm_parameter.p -> aws_instance.a"},
		},
		{
			"search with owners and filters", map[string]string{"main.tf": "data \"aws_ami\" \"u\" {\n  most_recent = true\n  owners = [\"099720109477\"]\n  filter {\n    name = \"name\"\n    values = [\"ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-*\"]\n  }\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ami.u.id }"},
			[]string{"data-source ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-* -> aws_instance.a at main.tf:6"},
		},
		{
			"search whose name is a variable's", map[string]string{"main.tf": "data \"aws_ami\" \"u\" {\n  owners = [\"amazon\"]\n  filter {\n    name = \"name\"\n    values = [var.image]\n  }\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ami.u.image_id }", "variables.tf": "variable \"image\" {\n  default = \"amzn2-ami-hvm-*-x86_64-gp2\"\n}"},
			[]string{"data-source amzn2-ami-hvm-*-x86_64-gp2 -> aws_instance.a at variables.tf:2"},
		},
		{
			"search in a module", map[string]string{"main.tf": "module \"m\" {\n  source = \"./m\"\n  image = \"amzn2-ami-hvm-*-x86_64-gp2\"\n}", "m/main.tf": "variable \"image\" {}\ndata \"aws_ami\" \"u\" {\n  owners = [\"amazon\"]\n  filter {\n    name = \"name\"\n    values = [var.image]\n  }\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ami.u.id }"},
			[]string{"data-source amzn2-ami-hvm-*-x86_64-gp2 -> module.m.aws_instance.a at main.tf:3"},
		},
		{
			"search whose name is put together", map[string]string{"main.tf": "variable \"r\" { default = \"focal-20.04\" }\ndata \"aws_ami\" \"u\" {\n  owners = [\"099720109477\"]\n  filter {\n    name = \"name\"\n    values = [\"ubuntu/images/hvm-ssd/ubuntu-${var.r}-amd64-server-*\"]\n  }\n}\nresource \"aws_instance\" \"a\" { ami = data.aws_ami.u.id }"},
			[]string{"data-source ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-* -> aws_instance.a"},
		},
		{
			"family and release of EKS", map[string]string{"main.tf": "resource \"aws_eks_node_group\" \"n\" {\n  ami_type = \"AL2_x86_64\"\n  release_version = \"1.29.3-20240531\"\n}"},
			[]string{"family 1.29.3-20240531 -> aws_eks_node_group.n at main.tf:3", "family AL2_x86_64 -> aws_eks_node_group.n at main.tf:2"},
		},
		{
			"family of EKS in CloudFormation", map[string]string{"s.yaml": "Resources:\n  N:\n    Type: AWS::EKS::Nodegroup\n    Properties:\n      AmiType: BOTTLEROCKET_x86_64\n      ReleaseVersion: 1.20.0-fcf71a47\n"},
			[]string{"family 1.20.0-fcf71a47 -> N at s.yaml:6", "family BOTTLEROCKET_x86_64 -> N at s.yaml:5"},
		},
		{
			"Karpenter", map[string]string{"n.yaml": "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: d}\nspec:\n  amiFamily: AL2\n  amiSelectorTerms:\n    - alias: al2@v20240807\n    - id: " + id + "\n    - name: my-nodes-*\n    - ssmParameter: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64\n"},
			[]string{
				"data-source my-nodes-* -> EC2NodeClass/d at n.yaml:9", "family AL2 -> EC2NodeClass/d at n.yaml:5", "family al2@v20240807 -> EC2NodeClass/d at n.yaml:7",
				"literal " + id + " -> EC2NodeClass/d at n.yaml:8",
				"ssm-parameter /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64 -> EC2NodeClass/d at n.yaml:10",
			},
		},
		{
			"eksctl", map[string]string{"c.yaml": "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: c, region: eu-west-1}\nnodeGroups:\n  - name: x\n    amiFamily: Ubuntu2004\n    ami: " + id + "\nmanagedNodeGroups:\n  - name: b\n    ami: auto-ssm\n  - name: c\n    amiFamily: AmazonLinux2\n    releaseVersion: 1.29.3-20240531\n"},
			[]string{
				"family 1.29.3-20240531 @eu-west-1 -> ClusterConfig/c at c.yaml:13", "family AmazonLinux2 -> ClusterConfig/c at c.yaml:12", "family Ubuntu2004 -> ClusterConfig/c at c.yaml:6",
				"family auto-ssm -> ClusterConfig/c at c.yaml:10", "literal " + id + " @eu-west-1 -> ClusterConfig/c at c.yaml:7",
			},
		},
		{
			"kops", map[string]string{"k.yaml": "apiVersion: kops.k8s.io/v1alpha2\nkind: InstanceGroup\nmetadata: {name: nodes}\nspec:\n  image: 099720109477/ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20201026\n"},
			[]string{"literal 099720109477/ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20201026 -> InstanceGroup/default/nodes at k.yaml:5"},
		},
		{
			"Packer", map[string]string{"p.pkr.hcl": "variable \"base\" {\n  default = \"" + id + "\"\n}\nsource \"amazon-ebs\" \"a\" {\n  source_ami = var.base\n}\nsource \"amazon-ebs\" \"b\" {\n  source_ami_filter {\n    filters = {\n      name = \"debian-11-amd64-*\"\n    }\n    owners = [\"136693071363\"]\n  }\n}\ndata \"amazon-parameterstore\" \"p\" {\n  name = \"/aws/service/debian/release/11/latest/amd64\"\n}"},
			[]string{
				"packer " + id + " at p.pkr.hcl:2", "packer debian-11-amd64-* at p.pkr.hcl:10", "ssm-parameter /aws/service/debian/release/11/latest/amd64 at p.pkr.hcl:16",
			},
		},
		{
			"Packer in JSON", map[string]string{"p.json": "{\"builders\": [{\n\"type\": \"amazon-ebs\",\n\"source_ami\": \"" + id + "\"\n}, {\n\"type\": \"amazon-ebs\",\n\"source_ami_filter\": {\"filters\": {\n\"name\": \"amzn2-ami-hvm-*-x86_64-gp2\"}, \"owners\": [\"amazon\"]}\n}]}"},
			[]string{"packer " + id + " at p.json:3", "packer amzn2-ami-hvm-*-x86_64-gp2 at p.json:7"},
		},
		{
			"Packer with variables of the caller", map[string]string{"p.json": "{\"variables\": {\"base\": null, \"name\": null}, \"builders\": [{\n\"type\": \"amazon-ebs\",\n\"source_ami\": \"{{user `base`}}\",\n\"source_ami_filter\": {\"filters\": {\"name\": \"{{user `name`}}\"}}\n}]}"},
			[]string{"packer builders[0].source_ami", "packer builders[0].source_ami_filter"},
		},
		{"output of the CDK", map[string]string{"cdk.out/S.template.json": cdk}, []string{"mapping " + id + " @eu-west-1 -> Host at cdk.out/S.template.json:1"}},
		{
			"what the CDK has looked up", map[string]string{"cdk.context.json": "{\n  \"ami:account=111122223333:filters.name.0=x-*:region=eu-west-1\": \"" + id + "\"\n}"},
			[]string{"mapping " + id + " @eu-west-1 at cdk.context.json:2"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, r := range find(t, tt.files) {
				line := r.Form + " " + string(r.ID)
				if r.Region != "" {
					line += " @" + r.Region
				}
				for _, w := range r.Workloads {
					line += " -> " + string(w)
				}
				for _, at := range r.Places {
					line += fmt.Sprintf(" at %s:%d", at.Path, at.Line)
				}
				got = append(got, line)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSuccessor(t *testing.T) {
	next := map[string]string{"amazon-linux": "2023", "ubuntu": "24.04", "debian": "12", "windows-server": "2022"}
	for _, tt := range []struct{ form, name, want string }{
		{Parameter, "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
		{Parameter, "/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-5.10-hvm-arm64-gp2", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"},
		{Parameter, "/aws/service/ami-amazon-linux-latest/amzn2-ami-minimal-hvm-arm64-ebs", "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-arm64"},
		{Parameter, "/aws/service/ami-amazon-linux-latest/amzn-ami-hvm-x86_64-gp2", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
		{Parameter, "/aws/service/eks/optimized-ami/1.29/amazon-linux-2-arm64/recommended/image_id", "/aws/service/eks/optimized-ami/1.29/amazon-linux-2023/arm64/standard/recommended/image_id"},
		{Parameter, "/aws/service/eks/optimized-ami/1.29/amazon-linux-2/amazon-eks-node-1.29-v20240531/image_id", ""},
		{Parameter, "/aws/service/ecs/optimized-ami/amazon-linux-2/arm64/recommended/image_id", "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"},
		{Parameter, "/aws/service/canonical/ubuntu/server/20.04/stable/current/arm64/hvm/ebs-gp2/ami-id", "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"},
		{Parameter, "/aws/service/canonical/ubuntu/server/focal/stable/current/amd64/hvm/ebs-gp2/ami-id", "/aws/service/canonical/ubuntu/server/noble/stable/current/amd64/hvm/ebs-gp3/ami-id"},
		{Parameter, "/aws/service/canonical/ubuntu/server/20.04/stable/20230517/amd64/hvm/ebs-gp2/ami-id", ""},
		{Parameter, "/aws/service/debian/release/11/latest/arm64", "/aws/service/debian/release/12/latest/arm64"},
		{Parameter, "/aws/service/ami-windows-latest/Windows_Server-2016-English-Full-Base", "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"},
		{Parameter, "/aws/service/ami-windows-latest/Windows_Server-2016-English-Full-SQL_2017_Standard", ""},
		{DataSource, "amzn2-ami-hvm-*-x86_64-gp2", "al2023-ami-2023.*-kernel-*-x86_64"},
		{DataSource, "amzn2-ami-hvm-2.0.*-arm64-gp2", "al2023-ami-2023.*-kernel-*-arm64"},
		{DataSource, "amzn2-ami-hvm-2.0.????????.?-x86_64-gp2", ""},
		{DataSource, "amzn2-ami-kernel-5.10-hvm-*-x86_64-gp2", "al2023-ami-2023.*-kernel-*-x86_64"},
		{DataSource, "amzn2-ami-minimal-hvm-*-x86_64-ebs", "al2023-ami-minimal-2023.*-kernel-*-x86_64"},
		{DataSource, "amzn2-ami-hvm*", "al2023-ami-2023.*"},
		{DataSource, "amzn-ami-hvm-*-x86_64-gp2", "al2023-ami-2023.*-kernel-*-x86_64"},
		{DataSource, "amzn-ami-vpc-nat-*", ""},
		{DataSource, "amzn2-ami-ecs-hvm-*-x86_64-ebs", "al2023-ami-ecs-hvm-2023.*-kernel-*-x86_64"},
		{DataSource, "amzn2-ami-hvm-2.0.20200406.0-x86_64-gp2", ""},
		{DataSource, "amazon-eks-node-1.24-v*", "amazon-eks-node-al2023-x86_64-standard-1.24-v*"},
		{DataSource, "amazon-eks-arm64-node-1.24-v*", "amazon-eks-node-al2023-arm64-standard-1.24-v*"},
		{DataSource, "amazon-eks-gpu-node-1.24-v*", ""},
		{DataSource, "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-*", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"},
		{DataSource, "ubuntu/images/*ubuntu-xenial-16.04-amd64-server-*", "ubuntu/images/*ubuntu-noble-24.04-amd64-server-*"},
		{DataSource, "ubuntu/images/hvm-ssd/ubuntu-bionic-*", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-*"},
		{DataSource, "ubuntu/images/*/ubuntu-bionic-*-arm64-server-*", "ubuntu/images/*/ubuntu-noble-*-arm64-server-*"},
		{DataSource, "*ubuntu-focal-20.04-arm64-minimal-*", "*ubuntu-noble-24.04-arm64-minimal-*"},
		{DataSource, "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20201026", ""},
		{DataSource, "debian-11-amd64-*", "debian-12-amd64-*"},
		{DataSource, "Windows_Server-2016-English-Full-Base-*", "Windows_Server-2022-English-Full-Base-*"},
		{DataSource, "RHEL-7.9_HVM-*", ""},
		{Packer, "amzn2-ami-hvm-*-x86_64-gp2", "al2023-ami-2023.*-kernel-*-x86_64"},
		{Family, "AL2_x86_64", "AL2023_x86_64_STANDARD"},
		{Family, "AL2_ARM_64", "AL2023_ARM_64_STANDARD"},
		{Family, "AL2_x86_64_GPU", "AL2023_x86_64_NVIDIA"},
		{Family, "AmazonLinux2", "AmazonLinux2023"},
		{Family, "AL2", "AL2023"},
		{Family, "al2@latest", "al2023@latest"},
		{Family, "al2@v20240807", ""},
		{Family, "Ubuntu2004", "Ubuntu2404"},
		{Family, "WindowsServer2019FullContainer", "WindowsServer2022FullContainer"},
		{Literal, "ami-0fb653ca2d3203ac1", ""},
	} {
		r := Reference{MachineImage: inventory.MachineImage{ID: inventory.ID(tt.name), Form: tt.form}, System: SystemOf(tt.name)}
		got := r.Successor(next[r.System.Product])
		if got != tt.want {
			t.Errorf("the successor of %s is %q, want %q", tt.name, got, tt.want)
		}
		if got != "" {
			if s := SystemOf(got); s.Product != r.System.Product || s.Cycle != next[s.Product] {
				t.Errorf("%s is %+v", got, s)
			}
			if strings.Contains(tt.name, "arm64") != strings.Contains(got, "arm64") {
				t.Errorf("%s became %s, another architecture", tt.name, got)
			}
		}
	}
}

func TestSuccessors(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"amzn2-ami-hvm-2.0.20200904.0-x86_64-gp2":             {"2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
		"amzn2-ami-kernel-5.10-hvm-2.0.20240610.1-arm64-gp2":  {"2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"},
		"amzn-ami-hvm-2018.03.0.20200904.0-x86_64-gp2":        {"2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
		"amazon-eks-arm64-node-1.29-v20240531":                {"2023": "/aws/service/eks/optimized-ami/1.29/amazon-linux-2023/arm64/standard/recommended/image_id"},
		"al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64":      nil,
		"my-image-20240101":                                   nil,
		"Windows_Server-2019-English-Full-SQL_2017-2024.01.1": nil,
		"ubuntu/images/hvm-ssd/ubuntu-focal-20.04-arm64-server-20201026": {
			"22.04": "/aws/service/canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id",
			"24.04": "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
			"26.04": "/aws/service/canonical/ubuntu/server/26.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
		},
		"debian-11-amd64-20240104-1616": {"12": "/aws/service/debian/release/12/latest/amd64", "13": "/aws/service/debian/release/13/latest/amd64"},
		"Windows_Server-2019-English-Core-Base-2024.01.10": {
			"2022": "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-Base", "2025": "/aws/service/ami-windows-latest/Windows_Server-2025-English-Core-Base",
		},
	} {
		got := Successors(name)
		if len(got) == 0 {
			got = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
