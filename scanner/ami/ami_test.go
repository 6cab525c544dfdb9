package ami

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/packer"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func reference(id, form, name string, change ...func(*machine.Reference)) machine.Reference {
	r := machine.Reference{
		MachineImage: inventory.MachineImage{ID: inventory.ID(id), Form: form, Locations: []inventory.Location{{Path: "main.tf", Line: 3}}, Workloads: []inventory.ID{"aws_instance.a"}},
		System:       machine.SystemOf(name),
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func moving(r *machine.Reference)      { r.Moving = true }
func nobodys(r *machine.Reference)     { r.Unowned = true }
func placeholder(r *machine.Reference) { r.Placeholder = true }
func built(day string) func(*machine.Reference) {
	return func(r *machine.Reference) { r.Built = day }
}

// scan returns the rules that a reference breaks, with a part of the message.
func scan(t *testing.T, day string, account map[inventory.ID]Answer, refs ...machine.Reference) ([]string, *inventory.Inventory) {
	t.Helper()
	asOf, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	inv := &inventory.Inventory{}
	j, err := Scanner{References: refs, Model: aws.Build(nil), AsOf: asOf, Account: account}.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	rules := []string{}
	for _, f := range j.Findings {
		rules = append(rules, f.RuleID)
		if !slices.ContainsFunc(j.Rules, func(r scanner.Rule) bool { return r.ID == f.RuleID }) {
			t.Errorf("%s is not among the rules", f.RuleID)
		}
	}
	slices.Sort(rules)
	return rules, inv
}

func TestScan(t *testing.T) {
	const al2 = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
	for _, tt := range []struct {
		name, day string
		ref       machine.Reference
		account   map[inventory.ID]Answer
		want      []string
	}{
		{"supported", "2026-06-01", reference("/aws/service/ami-amazon-linux-latest/al2023-ami-x", machine.Parameter, "al2023-ami", moving), nil, []string{}},
		{"ended", "2026-07-01", reference(al2, machine.Parameter, al2, moving), nil, []string{"ami-end-of-life"}},
		{"ending", "2026-05-01", reference(al2, machine.Parameter, al2, moving), nil, []string{"ami-end-of-life-soon"}},
		{"old", "2026-06-01", reference("099720109477/ubuntu-jammy-22.04-20250101", machine.Literal, "ubuntu-jammy-22.04", built("2025-01-01")), nil, []string{"aws-stale-ami"}},
		{"young", "2025-03-01", reference("099720109477/ubuntu-jammy-22.04-20250101", machine.Literal, "ubuntu-jammy-22.04", built("2025-01-01")), nil, []string{}},
		{"anyone's", "2026-06-01", reference("my-app-*", machine.DataSource, "", moving, nobodys), nil, []string{"ami-unpinned", "ami-without-owner"}},
		{"an id", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Literal, ""), nil, []string{"ami-literal-id"}},
		{"an id in a map", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Mapping, ""), nil, []string{}},
		{"a placeholder", "2026-06-01", reference("ami-12345678", machine.Literal, "", placeholder), nil, []string{}},
		{
			"the account knows it is old", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Mapping, ""),
			map[inventory.ID]Answer{"ami-0fb653ca2d3203ac1": {Name: "amzn2-ami-hvm-2.0.20200406.0-x86_64-gp2", CreatedAt: "2020-04-06", State: "available"}},
			[]string{"ami-end-of-life-soon", "aws-stale-ami"},
		},
		{
			"the account has it deprecated", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Mapping, ""),
			map[inventory.ID]Answer{"ami-0fb653ca2d3203ac1": {CreatedAt: "2026-05-01", DeprecatedAt: "2026-05-20", State: "available", Newest: "ami-0fb653ca2d3203ac2"}},
			[]string{"aws-stale-ami"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules, inv := scan(t, tt.day, tt.account, tt.ref)
			if diff := cmp.Diff(tt.want, rules); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(inv.MachineImages) != 1 {
				t.Errorf("machine images: %+v", inv.MachineImages)
			}
		})
	}
}

func TestReplacement(t *testing.T) {
	_, inv := scan(t, "2026-07-01", nil, reference("/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-arm64-gp2", machine.Parameter, "amzn2-ami", moving))
	if m := inv.MachineImages[0]; m.Replacement != "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64" || m.EndOfLife != "2026-06-30" {
		t.Errorf("%+v", m)
	}
}

// judged returns what is said of files, as rule, place and message.
func judged(t *testing.T, day string, files map[string]string) []string {
	t.Helper()
	asOf, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Read(t.Context(), tree, terraform.Source{}, packer.Source{})
	if err != nil {
		t.Fatal(err)
	}
	model, cluster := aws.Build(inv.Resources), kube.Read(inv.Resources)
	j, err := Scanner{References: machine.Find(tree, model, cluster, inv.Resources), Model: model, Resources: inv.Resources, AsOf: asOf}.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{}
	for _, f := range j.Findings {
		message, _, _ := strings.Cut(f.Message, ";")
		said = append(said, fmt.Sprintf("%s %s:%d %s", f.RuleID, f.Location.Path, f.Location.Line, message))
	}
	slices.Sort(said)
	return said
}

func TestPacker(t *testing.T) {
	const template = `
source "amazon-ebs" "plain" {}
source "amazon-ebs" "no" { encrypt_boot = false }
source "amazon-ebs" "yes" {
  encrypt_boot    = true
  ami_groups      = ["all"]
  snapshot_groups = ["all"]
}
source "amazon-ebs" "disk" {
  launch_block_device_mappings {
    device_name = "/dev/xvda"
    encrypted   = true
  }
}
data "amazon-ami" "base" {
  owners = ["amazon"]
}
`
	plain := "packer-image-unencrypted web.pkr.hcl:2 source.amazon-ebs.plain builds an image that is encrypted only where its source or the account's default is"
	rest := []string{
		"packer-image-public web.pkr.hcl:6 source.amazon-ebs.yes publishes the image that it builds",
		"packer-image-public web.pkr.hcl:7 source.amazon-ebs.yes publishes the snapshots of the image that it builds",
	}
	no := "packer-image-unencrypted web.pkr.hcl:3 source.amazon-ebs.no builds an image that is not encrypted"
	if diff := cmp.Diff(append(slices.Clone(rest), plain, no), judged(t, "2026-06-01", map[string]string{"web.pkr.hcl": template})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := judged(t, "2026-06-01", map[string]string{"web.pkr.hcl": template, "main.tf": `resource "aws_ebs_encryption_by_default" "all" {}`})
	if diff := cmp.Diff(append(slices.Clone(rest), no), got); diff != "" {
		t.Errorf("encrypted by default (-want +got):\n%s", diff)
	}
}

// TestEnds: days that are not those of standard support.
func TestEnds(t *testing.T) {
	got := judged(t, "2026-06-01", map[string]string{"main.tf": `
data "aws_ami" "debian" {
  owners = ["136693071363"]
  filter {
    name   = "name"
    values = ["debian-11-amd64-*"]
  }
}
data "aws_ami" "pro" {
  owners = ["amazon"]
  filter {
    name   = "name"
    values = ["ubuntu-pro-server/images/hvm-ssd/ubuntu-bionic-18.04-amd64-*"]
  }
}
data "aws_ami" "windows" {
  owners = ["amazon"]
  filter {
    name   = "name"
    values = ["Windows_Server-2008-R2_SP1-English-64Bit-Base-*"]
  }
}
data "aws_ami" "stream" {
  owners = ["125523088429"]
  filter {
    name   = "name"
    values = ["CentOS Stream 8 x86_64 *"]
  }
}
data "aws_ami" "several" {
  owners = ["amazon"]
  filter {
    name   = "name"
    values = ["amzn-ami-hvm-*", "al2023-ami-*", "amzn-ami-hvm-2018.03.*"]
  }
}
data "aws_ssm_parameter" "node" { name = "/aws/service/eks/optimized-ami/1.27/amazon-linux-2023/x86_64/standard/recommended/image_id" }
resource "aws_elasticsearch_domain" "old" { elasticsearch_version = "6.7" }
resource "aws_elasticsearch_domain" "kept" { elasticsearch_version = "7.10" }
resource "aws_opensearch_domain" "legacy" { engine_version = "Elasticsearch_7.8" }
resource "aws_opensearch_domain" "first" { engine_version = "OpenSearch_1.0" }
resource "aws_db_instance" "db" {
  engine         = "mysql"
  engine_version = "5.7"
}
`})
	want := []string{
		"ami-end-of-life main.tf:20 Windows_Server-2008-R2_SP1-English-64Bit-Base-* is Windows Server 2008, which has had no security updates since 2020-01-14",
		"ami-end-of-life main.tf:27 CentOS Stream 8 x86_64 * is CentOS Stream 8, which has had no security updates since 2024-05-31",
		"database-end-of-life main.tf:38 aws_elasticsearch_domain.old runs Elasticsearch 6.7, whose standard support ended on 2025-11-07",
		"database-end-of-life main.tf:40 aws_opensearch_domain.legacy runs Elasticsearch 7.8, whose standard support ended on 2025-11-07",
		"database-end-of-life main.tf:41 aws_opensearch_domain.first runs OpenSearch 1.0, whose standard support ended on 2025-11-07",
		"database-end-of-life main.tf:44 aws_db_instance.db runs mysql 5.7, whose standard support ended on 2024-02-29",
		"eks-end-of-life main.tf:37 /aws/service/eks/optimized-ami/1.27/amazon-linux-2023/x86_64/standard/recommended/image_id is made for Kubernetes 1.27, whose standard support ended on 2024-07-24",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlaceOfUse: an id stands in a document before it stands where a machine takes it from.
func TestPlaceOfUse(t *testing.T) {
	got := judged(t, "2026-06-01", map[string]string{
		"ansible/play.yml": "- ec2:\n    image: ami-0fb653ca2d3203ac1\n",
		"main.tf":          "variable \"image\" { default = \"ami-0fb653ca2d3203ac1\" }\nresource \"aws_instance\" \"a\" { ami = var.image }\n",
	})
	want := []string{"ami-literal-id main.tf:1 ami-0fb653ca2d3203ac1 holds in one region and tells nobody what it is"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEvidence(t *testing.T) {
	for _, tt := range []struct {
		state Patches
		want  string
	}{
		{Patches{Region: "r"}, "AWS runs none of it in r"},
		{Patches{Region: "r", Machines: 3}, "Patch Manager has never looked at any of the 3 machines in r either"},
		{Patches{Region: "r", Machines: 1}, "Patch Manager has never looked at the machine in r either"},
		{Patches{Region: "r", Machines: 1, Reporting: 1, Since: "2026-05-30"}, "Patch Manager knows the state of the machine in r, of 2026-05-30 or later, and installed nothing"},
		{Patches{Region: "r", Machines: 3, Reporting: 2, Installs: 1}, "something outside of the code patches: Patch Manager knows the state of 2 of the 3 machines in r, of an unknown day or later, and installed patches on 1"},
		{Patches{Region: "r", Group: "db", Machines: 2, Reporting: 2, Since: "2026-05-30"}, `Patch Manager knows the state of 2 machines of its patch group "db" in r, of 2026-05-30 or later, and installed nothing`},
	} {
		if got := tt.state.Evidence(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
