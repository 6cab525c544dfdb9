package machine

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// show writes a search in one line.
func (s Search) show() string {
	parts := []string{string(s.Source), s.Region}
	if len(s.Owners) > 0 {
		parts = append(parts, "of "+strings.Join(s.Owners, ","))
	}
	for _, f := range s.Filters {
		parts = append(parts, f.Name+"="+strings.Join(f.Values, ","))
	}
	for text, set := range map[string]bool{"regexp " + s.NameRegex: s.NameRegex != "", "for " + strings.Join(s.Executable, ","): len(s.Executable) > 0} {
		if set {
			parts = append(parts, text)
		}
	}
	if s.Deprecated {
		parts = append(parts, "deprecated too")
	}
	if s.MostRecent {
		parts = append(parts, "the newest")
	}
	if s.Unknown != "" {
		parts = append(parts, "without "+s.Unknown)
	}
	return strings.Join(parts, " ")
}

func TestSearches(t *testing.T) {
	refs := find(t, map[string]string{
		"main.tf": `
provider "aws" { region = "eu-central-1" }
provider "aws" {
  alias  = "us"
  region = "us-east-1"
}
variable "owner" {}
variable "secret" {
  default   = "hush"
  sensitive = true
}
locals { arch = "x86_64" }
data "aws_ami" "both" {
  most_recent        = true
  owners             = ["self", "amazon"]
  include_deprecated = true
  name_regex         = "^al2023-.*\\d{8}"
  filter {
    name   = "name"
    values = ["al2023-ami-2023*"]
  }
  filter {
    name   = "architecture"
    values = [local.arch]
  }
}
data "aws_ami" "same" {
  provider = aws.us
  owners   = ["amazon"]
  filter {
    name   = "name"
    values = ["al2023-ami-2023*"]
  }
}
data "aws_ami" "whose" {
  owners = [var.owner]
  filter {
    name   = "name"
    values = ["a-*"]
  }
}
data "aws_ami" "secret" {
  owners = ["self"]
  filter {
    name   = "name"
    values = [var.secret]
  }
}
data "aws_ami" "all" {
  filter {
    name   = "architecture"
    values = ["arm64"]
  }
}
data "aws_ami" "odd" {
  owners     = ["self"]
  name_regex = "("
}
data "aws_ami" "tag" {
  owners           = ["self"]
  executable_users = ["self"]
  filter {
    name   = "tag:Role"
    values = ["web"]
  }
}
`,
		"nodes.yaml": `
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec:
  amiSelectorTerms:
    - name: my-node-*
    - name: your-node-*
      owner: "111122223333"
`,
		"kops.yaml": `
apiVersion: kops.k8s.io/v1alpha2
kind: InstanceGroup
metadata: {name: nodes}
spec:
  image: 099720109477/ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20200528
`,
		"web.pkr.hcl": `
source "amazon-ebs" "web" {
  region = "eu-west-3"
  source_ami_filter {
    filters     = { name = "debian-12-amd64-*", root-device-type = "ebs" }
    owners      = ["136693071363"]
    most_recent = true
  }
}
`,
	})
	var got []string
	for i := range refs {
		for _, s := range refs[i].Searches {
			got = append(got, s.show())
		}
	}
	want := []string{
		"data.aws_ami.odd eu-central-1 of self regexp ( without a name_regex that can be read",
		"InstanceGroup/default/nodes  of 099720109477 name=ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20200528 deprecated too the newest",
		"data.aws_ami.whose eu-central-1 name=a-* without owners",
		"data.aws_ami.both eu-central-1 of amazon,self architecture=x86_64 name=al2023-ami-2023* regexp ^al2023-.*\\d{8} deprecated too the newest",
		"data.aws_ami.same us-east-1 of amazon name=al2023-ami-2023*",
		"data.aws_ami.all eu-central-1 architecture=arm64 without an owner or a name: every image of AWS would be asked for",
		"data.aws_ami.secret eu-central-1 of self name= without the filter name",
		"data.aws_ami.tag eu-central-1 of self tag:Role=web for self",
		"source.amazon-ebs.web eu-west-3 of 136693071363 name=debian-12-amd64-* root-device-type=ebs the newest",
		"EC2NodeClass/default  of amazon,self name=my-node-* deprecated too the newest",
		"EC2NodeClass/default  of 111122223333 name=your-node-* deprecated too the newest",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReleases(t *testing.T) {
	refs := find(t, map[string]string{"main.tf": `
provider "aws" { region = "eu-central-1" }
variable "kubernetes" {}
resource "aws_eks_cluster" "c" { version = "1.30" }
resource "aws_eks_cluster" "d" { version = var.kubernetes }
resource "aws_eks_node_group" "own" {
  cluster_name    = aws_eks_cluster.c.name
  version         = "1.29"
  ami_type        = "BOTTLEROCKET_ARM_64"
  release_version = "1.20.3-5d9ac849"
}
resource "aws_eks_node_group" "of_cluster" {
  cluster_name    = aws_eks_cluster.c.name
  ami_type        = "AL2_x86_64_GPU"
  release_version = "1.30.0-20240615"
}
resource "aws_eks_node_group" "of_release" {
  cluster_name    = aws_eks_cluster.d.name
  ami_type        = "WINDOWS_CORE_2022_x86_64"
  release_version = "1.28-2024.06.13"
}
resource "aws_eks_node_group" "unknown" {
  cluster_name    = aws_eks_cluster.d.name
  ami_type        = "BOTTLEROCKET_x86_64"
  release_version = "1.20.4-5d9ac849"
}
resource "aws_eks_node_group" "custom" {
  cluster_name    = aws_eks_cluster.c.name
  ami_type        = "CUSTOM"
  release_version = "1.30.1-20240615"
}
`})
	var got []string
	for i := range refs {
		for _, r := range refs[i].Releases {
			got = append(got, fmt.Sprint(r.Workload, " ", r.Region, " ", r.Parameter, r.Unknown))
		}
	}
	want := []string{
		"aws_eks_node_group.own eu-central-1 /aws/service/bottlerocket/aws-k8s-1.29/arm64/latest/image_version",
		"aws_eks_node_group.unknown eu-central-1 the version of Kubernetes",
		"aws_eks_node_group.of_release eu-central-1 /aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.28/release_version",
		"aws_eks_node_group.of_cluster eu-central-1 /aws/service/eks/optimized-ami/1.30/amazon-linux-2-gpu/recommended/release_version",
		"aws_eks_node_group.custom eu-central-1 an ami_type whose releases AWS publishes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFleets(t *testing.T) {
	tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"main.tf": {Data: []byte(`
provider "aws" { region = "eu-central-1" }
variable "n" {}
variable "name" {}
resource "aws_instance" "web" {
  count = 2
  tags  = { Name = "web", Env = "prod", Owner = var.name }
}
resource "aws_instance" "named" {
  count = 2
  tags  = { Name = "node-${count.index}", PatchGroup = "nodes" }
}
resource "aws_instance" "some" {
  count = var.n
  tags  = { Name = "some" }
}
resource "aws_instance" "wild" { tags = { Name = "web*" } }
resource "aws_instance" "nameless" { tags = { Env = "prod", "Patch Group" = "others" } }
resource "aws_instance" "none" {
  count = 0
  tags  = { Name = "none" }
}
resource "aws_autoscaling_group" "a" { name = "workers" }
resource "aws_autoscaling_group" "b" { name_prefix = "workers-" }
resource "aws_ssm_patch_baseline" "b" { name = "b" }
resource "aws_ssm_patch_group" "g" {
  baseline_id = aws_ssm_patch_baseline.b.id
  patch_group = "nodes"
}
`)}, "stack.yaml": {Data: []byte(`
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Host:
    Type: AWS::EC2::Instance
    Properties:
      Tags: [{Key: Name, Value: host}]
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties: {AutoScalingGroupName: stack-group}
`)}}, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Read(t.Context(), tree, terraform.Source{}, cloudformation.Source{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range Fleets(aws.Build(inv.Resources)) {
		line := fmt.Sprint(f.Addresses, " ", f.Region, " ", f.Exactly)
		for _, filter := range f.Filters {
			line += " " + filter.Name + "=" + strings.Join(filter.Values, ",")
		}
		if f.Group != "" {
			line += " group " + f.Group
		}
		got = append(got, line+" "+f.Unknown)
	}
	want := []string{
		"[Group]  0 tag:aws:autoscaling:groupName=stack-group ",
		"[Host]  1 tag:Name=host ",
		"[aws_autoscaling_group.a] eu-central-1 0 tag:aws:autoscaling:groupName=workers ",
		"[aws_autoscaling_group.b] eu-central-1 0 its name is not known",
		"[aws_instance.named[0]] eu-central-1 1 tag:Name=node-0 tag:PatchGroup=nodes group nodes ",
		"[aws_instance.named[1]] eu-central-1 1 tag:Name=node-1 tag:PatchGroup=nodes group nodes ",
		"[aws_instance.nameless] eu-central-1 0 group others it has no tag Name whose value is known",
		"[aws_instance.some[0]] eu-central-1 0 whether and how often it is there is not known",
		"[aws_instance.web[0] aws_instance.web[1]] eu-central-1 2 tag:Env=prod tag:Name=web ",
		"[aws_instance.wild] eu-central-1 0 it has no tag Name whose value is known",
		"[aws_ssm_patch_baseline.b] eu-central-1 0 group nodes ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPinnedNodes finds how the newest of what eksctl and Karpenter pin is told.
func TestPinnedNodes(t *testing.T) {
	const cluster = "resource \"aws_eks_cluster\" \"main\" {\n  name = \"main\"\n  role_arn = \"arn:aws:iam::111122223333:role/x\"\n  version = \"1.33\"\n  vpc_config { subnet_ids = [] }\n}\n"
	class := func(alias string) string {
		return "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: d}\nspec:\n  amiSelectorTerms:\n    - alias: " + alias + "\n"
	}
	for _, tt := range []struct {
		name, told string // told is what the parameter has
		files      map[string]string
		want       string // the parameter, or what is not known; the newest as the code writes it
	}{
		{"AL2023", "1.33.0-20260512", map[string]string{"main.tf": cluster, "n.yaml": class("al2023@v20240807")}, "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/release_version al2023@v20260512"},
		{"Bottlerocket", "1.41.0-a1b2c3d4", map[string]string{"main.tf": cluster, "n.yaml": class("bottlerocket@v1.20.0")}, "/aws/service/bottlerocket/aws-k8s-1.33/x86_64/latest/image_version bottlerocket@v1.41.0"},
		{"no cluster", "1.33.0-20260512", map[string]string{"n.yaml": class("al2023@v20240807")}, "the version of Kubernetes al2023@v20260512"},
		{"follows by itself", "", map[string]string{"main.tf": cluster, "n.yaml": class("al2023@latest")}, ""},
		{
			"eksctl", "1.33.0-20260512", map[string]string{"c.yaml": "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: c, region: eu-west-1, version: \"1.33\"}\nmanagedNodeGroups:\n  - name: x\n    releaseVersion: 1.33.0-20250801\n"},
			"eu-west-1 /aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/release_version 1.33.0-20260512",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, r := range find(t, tt.files) {
				for i := range r.Releases {
					release := &r.Releases[i]
					got += strings.TrimSpace(release.Region + " " + release.Parameter + release.Unknown + " " + release.Write(tt.told))
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
