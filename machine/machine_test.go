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
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
	"github.com/trifecta-scanner/trifecta/inventory/packer"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/kube"
)

func find(tb testing.TB, files map[string]string) []Reference {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := inventory.Read(tb.Context(), tree, terraform.Source{}, cloudformation.Source{}, kubernetes.Source{}, packer.Source{})
	if err != nil {
		tb.Fatal(err)
	}
	return Find(tree, aws.Build(inv.Resources), kube.Read(inv.Resources), inv.Resources)
}

func TestFind(t *testing.T) {
	refs := find(t, map[string]string{
		"main.tf": `
provider "aws" { region = "eu-central-1" }
data "aws_ami" "ubuntu" {
  most_recent = true
  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"]
  }
}
variable "amis" {
  default = {
    eu-central-1 = "ami-0fb653ca2d3203ac1"
    us-east-1    = "ami-0fb653ca2d3203ac2"
  }
}
# ami-0fb653ca2d3203aff is only spoken of
resource "aws_instance" "a" { ami = data.aws_ami.ubuntu.id }
resource "aws_instance" "b" { ami = var.amis["eu-central-1"] }
resource "aws_instance" "c" { ami = "ami-12345678" }
resource "aws_eks_node_group" "n" { ami_type = "AL2_x86_64" }
`,
		"stack.yaml": `
AWSTemplateFormatVersion: "2010-09-09"
Mappings:
  Images:
    eu-west-1:
      AMI: ami-0fb653ca2d3203ac3
Resources:
  Host:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: "{{resolve:ssm:/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2}}"
`,
		"cluster.yaml": `
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: c}
nodeGroups:
  - {name: a, amiFamily: Bottlerocket}
`,
		"nodes.yaml": `
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec:
  amiSelectorTerms:
    - alias: al2023@v20240807
`,
		"web.pkr.hcl":       "source \"amazon-ebs\" \"web\" {\n  source_ami = \"ami-0fb653ca2d3203ac4\"\n}\n",
		"package-lock.json": `{"integrity": "ami-0fb653ca2d3203ac9"}`,
	})
	var got []string
	for _, r := range refs {
		line := fmt.Sprintf("%s %s", r.Form, r.ID)
		for flag, set := range map[string]bool{" moving": r.Moving, " unowned": r.Unowned, " placeholder": r.Placeholder} {
			if set {
				line += flag
			}
		}
		if r.System.Name != "" {
			line += " " + r.System.Name
		}
		for _, w := range r.Workloads {
			line += " -> " + string(w)
		}
		got = append(got, line+" "+r.Region)
	}
	for i := range got {
		got[i] = strings.TrimSpace(strings.ReplaceAll(got[i], " unowned moving", " moving unowned"))
	}
	want := []string{
		"ssm-parameter /aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2 moving Amazon Linux 2 -> Host",
		"family AL2_x86_64 moving Amazon Linux 2 -> aws_eks_node_group.n",
		"family Bottlerocket moving Bottlerocket -> ClusterConfig/c",
		"family al2023@v20240807 Amazon Linux 2023 -> EC2NodeClass/default",
		"mapping ami-0fb653ca2d3203ac1 -> aws_instance.b eu-central-1",
		"mapping ami-0fb653ca2d3203ac2 us-east-1",
		"mapping ami-0fb653ca2d3203ac3 eu-west-1",
		"packer ami-0fb653ca2d3203ac4",
		"literal ami-12345678 placeholder -> aws_instance.c",
		"data-source ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-* moving unowned Ubuntu 22.04 -> aws_instance.a eu-central-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSystemOf(t *testing.T) {
	for text, want := range map[string]string{
		"amzn2-ami-hvm-2.0.*-x86_64-gp2":                                                     "amazon-linux 2",
		"al2023-ami-2023.*-kernel-6.1-x86_64":                                                "amazon-linux 2023",
		"amzn-ami-hvm-2018.03.0.*":                                                           "amazon-linux 2018.03",
		"ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20201026":                     "ubuntu 20.04",
		"ubuntu/images/hvm-ssd/ubuntu-bionic-*":                                              "ubuntu 18.04",
		"/aws/service/canonical/ubuntu/server/20.04/stable/current/amd64/hvm/ebs-gp2/ami-id": "ubuntu 20.04",
		"Ubuntu2004":                                               "ubuntu 20.04",
		"debian-11-amd64-*":                                        "debian 11",
		"Windows_Server-2019-English-Full-*":                       "windows-server 2019",
		"WindowsServer2019FullContainer":                           "windows-server 2019",
		"RHEL-8.6.0_HVM-*":                                         "rhel 8",
		"Windows_Server-2012-R2_RTM-English-64Bit-Base-*":          "windows-server 2012-r2",
		"Windows_Server-2008-R2_SP1-English-64Bit-Base-2017.10.13": "windows-server 2008-r2-sp1",
		"Windows_Server-2008-SP2-English-64Bit-Base-*":             "windows-server 2008-sp2",
		"Windows_Server-20H2-English-Core-Base-*":                  "windows-server 20h2-sac",
		"debian-jessie-amd64-hvm-*":                                "debian 8",
		"ubuntu/images/hvm-ssd/ubuntu-groovy-*":                    "ubuntu 20.10",
		"CentOS Stream 8 x86_64 *":                                 "centos-stream 8",
		"CentOS Linux 7 x86_64 HVM EBS *":                          "centos 7",
		"suse-sles-15-sp4-v20230901-hvm-ssd-x86_64":                "sles 15.4",
		"suse-sles-12-v2016*":                                      "sles 12.0",
		"OL7.9-x86_64-HVM-*":                                       "oracle-linux 7",
		"FreeBSD 12.4-RELEASE-amd64":                               "freebsd 12.4",
		"Fedora-Cloud-Base-34-1.2.x86_64-hvm-*":                    "fedora 34",
		"amazon-eks-node-1.24-v*":                                  "amazon-linux 2",
		"AL2023_x86_64_STANDARD":                                   "amazon-linux 2023",
		"AmazonLinux2":                                             "amazon-linux 2",
		"al2@latest":                                               "amazon-linux 2",
		"my-golden-image-*":                                        "",
		"bottlerocket-aws-k8s-1.30-x86_64-v*":                      "",
	} {
		s := SystemOf(text)
		if got := strings.TrimSpace(s.Product + " " + s.Cycle); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

func TestMadeFor(t *testing.T) {
	for text, want := range map[string]string{
		"/aws/service/eks/optimized-ami/1.27/amazon-linux-2/recommended/image_id": "1.27", "amazon-eks-node-1.24-v20230816": "1.24", "amazon-eks-node-1.24-v*": "1.24",
		"amazon-eks-gpu-node-1.25-v*": "1.25", "amazon-eks-node-al2023-x86_64-standard-1.33-v20260512": "1.33", "amazon-eks-node-*": "", "amazon-eks-arm64-node-1.29-v*": "1.29",
		"bottlerocket-aws-k8s-1.30-x86_64-v1.20.0-fcf71a47": "1.30", "/aws/service/bottlerocket/aws-k8s-1.31/x86_64/latest/image_id": "1.31", "bottlerocket-aws-k8s-1.31-nvidia-x86_64-v*": "1.31",
		"/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.30/image_id": "1.30", "ubuntu-eks/k8s_1.29/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*": "1.29",
		"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64": "", "al2023-ami-2023.3.20240117.0-kernel-6.1-x86_64": "",
	} {
		if got := SystemOf(text).Kubernetes; got != want {
			t.Errorf("%s is made for %q, want %q", text, got, want)
		}
	}
}

func TestPlaceholder(t *testing.T) {
	for id, want := range map[string]bool{
		"ami-12345678": true, "ami-custom": true, "ami-12345": true, "ami-0123456789abcdef0": true, "ami-00000000": true, "ami-xxxxxxxx": true, "ami-abcdef12": false,
		"ami-0fb653ca2d3203ac1": false, "ami-fce3c696": false,
	} {
		if got := placeholder(id); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
}

func TestBuiltDay(t *testing.T) {
	for name, want := range map[string]string{
		"ubuntu-focal-20.04-amd64-server-20201026": "2020-10-26", "al2023@v20240807": "2024-08-07", "amzn2-ami-hvm-2.0.20200406.0-x86_64-gp2": "2020-04-06", "ubuntu-22.04": "", "x-20201345": "",
	} {
		if got := builtDay(name); got != want {
			t.Errorf("%s was built on %q, want %q", name, got, want)
		}
	}
}

func TestSystemOfRelease(t *testing.T) {
	for _, tt := range []struct {
		id, version, pretty string
		want                System
	}{
		{"debian", "12", "Debian GNU/Linux 12 (bookworm)", System{Product: "debian", Cycle: "12", Name: "Debian 12"}},
		{"ubuntu", "22.04", "Ubuntu 22.04.3 LTS", System{Product: "ubuntu", Cycle: "22.04", Name: "Ubuntu 22.04"}},
		{"amzn", "2023", "Amazon Linux 2023.5", System{Product: "amazon-linux", Cycle: "2023", Name: "Amazon Linux 2023"}},
		{"rhel", "9.4", "", System{Product: "rhel", Cycle: "9", Name: "Red Hat Enterprise Linux 9"}},
		{"centos", "9", "CentOS Stream 9", System{Product: "centos-stream", Cycle: "9", Name: "CentOS Stream 9"}},
		{"alpine", "3.20.1", "", System{Product: "alpine-linux", Cycle: "3.20", Name: "Alpine Linux 3.20"}},
		{"bottlerocket", "1.20.0", "", System{Cycle: "1.20.0", Name: "bottlerocket 1.20.0"}},
		{"arch", "", "", System{Name: "arch"}},
	} {
		if got := SystemOfRelease(tt.id, tt.version, tt.pretty); got != tt.want {
			t.Errorf("SystemOfRelease(%q, %q) = %+v, want %+v", tt.id, tt.version, got, tt.want)
		}
	}
}
