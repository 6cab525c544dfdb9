package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	lookup "github.com/trifecta-scanner/trifecta/internal/aws"
	"github.com/trifecta-scanner/trifecta/internal/awstest"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// standInAccount answers for AWS as awstest.World does, by the credentials of the environment.
func standInAccount(t *testing.T) *awstest.Server {
	t.Helper()
	world := awstest.World()
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", awstest.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", awstest.Secret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	return world
}

// scanAMIs scans what a tree says of machine images, and returns the result without what differs between two runs.
func scanAMIs(t *testing.T, dir string, args ...string) *scanner.Result {
	t.Helper()
	var out, errs bytes.Buffer
	line := append([]string{"scan", dir, "--only", "amis", "-o", "json", "--fail-on", "none", "--as-of", "2026-06-01"}, args...)
	if code := run(t.Context(), line, streams{out: &out, err: &errs}, func(string) string { return "" }); code != exitOK {
		t.Fatalf("trifecta %s: exit %d: %s", strings.Join(line, " "), code, errs.String())
	}
	res := new(scanner.Result)
	if err := json.Unmarshal(out.Bytes(), res); err != nil {
		t.Fatal(err)
	}
	return res
}

const twoRegions = `provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "us"
  region = "us-east-1"
}
resource "aws_instance" "a" {
  ami = "ami-0aaaaaaaaaaaaaaa1"
}
resource "aws_instance" "b" {
  provider = aws.us
  ami      = "ami-0aaaaaaaaaaaaaaa1"
}
`

func TestAccount(t *testing.T) {
	world := standInAccount(t)
	world.Refuse["us-east-1 ec2:DescribeImages"] = "UnauthorizedOperation"
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "aws.json")
	put(t, filepath.Join(dir, "main.tf"), twoRegions)

	live := scanAMIs(t, dir, "--aws", "--aws-snapshot", file)
	stale := 0
	for _, f := range live.Findings {
		if f.RuleID == "aws-stale-ami" {
			stale++
			if want := "ami-0aaaaaaaaaaaaaaa1 is deprecated since 2024-04-10; name ami-0aaaaaaaaaaaaaaa3"; f.Message != want {
				t.Errorf("got %q, want %q", f.Message, want)
			}
		}
	}
	if stale != 1 { // that it is old as well is the same fact
		t.Errorf("%d findings of a stale image", stale)
	}
	if n := live.Notices; len(n) == 0 || !strings.Contains(fmt.Sprint(n), "AWS did not answer ec2:DescribeImages in us-east-1: UnauthorizedOperation") {
		t.Errorf("notices: %+v", n)
	}
	if strings.Contains(fmt.Sprint(live), awstest.Account) {
		t.Error("the result names the account that asked")
	}

	// The same judgement without a connection.
	before := len(world.Seen())
	offline := scanAMIs(t, dir, "--offline", "--aws-snapshot", file)
	judged := func(res *scanner.Result) string {
		data, err := json.MarshalIndent([]any{res.Findings, res.Notices, res.MachineImages}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if diff := cmp.Diff(judged(live), judged(offline)); diff != "" {
		t.Errorf("judged offline (-live +offline):\n%s", diff)
	}
	// A tree that somebody proposes is never asked about.
	proposed := scanAMIs(t, dir, "--aws", "--cache-read-only")
	if !strings.Contains(fmt.Sprint(proposed.Notices), "AWS is not asked about a tree that somebody proposes") {
		t.Errorf("notices: %+v", proposed.Notices)
	}
	if n := len(world.Seen()) - before; n != 0 {
		t.Errorf("%d requests that nobody asked for", n)
	}
}

// TestAccountWhole asks about one tree with everything that can be asked about, and looks at what is said of it.
func TestAccountWhole(t *testing.T) {
	world := standInAccount(t)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "aws.json")
	put(t, filepath.Join(dir, "main.tf"), wholeAccount)
	res := scanAMIs(t, dir, "--aws", "--aws-snapshot", file, "--only", "infrastructure")

	messages := map[string]bool{}
	for _, f := range res.Findings {
		messages[fmt.Sprintf("%s %s:%d %s", f.RuleID, f.Location.Path, f.Location.Line, f.Message)] = true
	}
	for _, want := range []string{
		// what a search finds: older than the newest of nothing, of a release that has ended, or a stranger's
		"aws-stale-ami main.tf:9 ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-server-* leads to " + awstest.Trusty + " (ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-server-20190514) in eu-west-1, which was made on 2019-05-14, 2575 days ago: there is no newer one; refer to an image that is kept up to date",
		"aws-stale-ami main.tf:45 al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64 leads to " + awstest.Old + " in eu-west-1, which is deprecated since 2024-04-10; name al2023-ami-2023.3.20260510.0-kernel-6.1-x86_64",
		// what Inspector found
		"CVE-2024-3094 main.tf:50 " + awstest.Old + " has CVE-2024-3094 in xz-libs 5.6.0-1.amzn2023 (fixed in 0:5.6.1-2.amzn2023), xz 5.6.0-1.amzn2023 (fixed in 0:5.6.1-2.amzn2023), as Inspector found in eu-west-1; name " + awstest.Newest + ", the newest of its series, or patch machines when they start",
		// the patches of machines
		"aws-patches-missing main.tf:55 aws_instance.web misses patches: on its machine in eu-west-1, seen on 2026-05-30 or later, patches are 7 missing, 2 critical and not compliant, 3 of security and not compliant; run AWS-RunPatchBaseline with the operation Install on it, or replace it by a newer image",
		"aws-patches-missing main.tf:66 aws_autoscaling_group.workers misses patches: on 1 of its 2 machines in eu-west-1, seen on 2026-05-20 or later, patches are 1 failed to install, 4 waiting for a restart; run AWS-RunPatchBaseline with the operation Install on it, or replace it by a newer image",
		// releases and versions of EKS
		"eks-end-of-life main.tf:77 aws_eks_cluster.old runs Kubernetes 1.29, whose extended support ended on 2026-03-23: AWS upgrades it by force; upgrade step by step to 1.36",
	} {
		if !messages[want] {
			t.Errorf("no finding %q", want)
		}
	}
	if t.Failed() {
		for m := range messages {
			t.Log(m)
		}
	}
	for _, want := range []string{
		"what data.aws_ami.unknown finds was not asked: the code does not give owners",
		"data.aws_ami.none finds no image in eu-west-1: none has such a name and owner today, or it is deprecated",
		"data.aws_ami.two finds 2 images in eu-west-1 and does not say which of them: set most_recent, or search more narrowly",
		"the patches of aws_instance.nameless were not looked at: it has no tag Name whose value is known",
		"the patches of aws_instance.twin were not looked at: AWS runs more machines with its tags than the code declares",
		"/aws/service/eks/optimized-ami/1.29/amazon-linux-2023/x86_64/standard/recommended/release_version is not known in eu-west-1",
	} {
		if !strings.Contains(fmt.Sprint(res.Notices), want) {
			t.Errorf("no notice %q in %v", want, res.Notices)
		}
	}
	replacements := map[inventory.ID]inventory.ID{}
	for _, m := range res.MachineImages {
		replacements[m.ID] = m.Replacement
		if m.ID == awstest.Old && (len(m.Regions) != 1 || m.Regions[0].Region != "eu-west-1" || m.Regions[0].Replacement != awstest.Newest) {
			t.Errorf("%s: %+v", m.ID, m)
		}
		if m.ID == "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*" && (len(m.Regions) != 1 || m.Regions[0].ID != awstest.Jammy) {
			t.Errorf("%s: %+v", m.ID, m)
		}
	}
	for id, want := range map[inventory.ID]inventory.ID{awstest.Old: awstest.Newest, "al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64": "al2023-ami-2023.3.20260510.0-kernel-6.1-x86_64", "1.33.0-20250101": "1.33.0-20260512", "1.33.0-20260512": ""} {
		if got, ok := replacements[id]; !ok || got != want {
			t.Errorf("the replacement of %s is %q, want %q", id, got, want)
		}
	}
	offline := scanAMIs(t, dir, "--offline", "--aws-snapshot", file, "--only", "infrastructure")
	if diff := cmp.Diff(res.Findings, offline.Findings); diff != "" {
		t.Errorf("judged offline (-live +offline):\n%s", diff)
	}
	for _, operation := range lookup.Operations {
		if !slices.ContainsFunc(world.Seen(), func(seen string) bool { return strings.HasSuffix(seen, " "+operation) }) {
			t.Errorf("%s was not asked", operation)
		}
	}
}

// wholeAccount declares something of everything that can be asked about.
const wholeAccount = `provider "aws" {
  region = "eu-west-1"
}
data "aws_ami" "old" {
  owners      = ["099720109477"]
  most_recent = true
  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-server-*"]
  }
}
data "aws_ami" "new" {
  owners      = ["099720109477"]
  most_recent = true
  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"]
  }
}
variable "owner" {}
data "aws_ami" "unknown" {
  owners = [var.owner]
  filter {
    name   = "name"
    values = ["mine-*"]
  }
}
data "aws_ami" "none" {
  owners     = ["self"]
  name_regex = "^none"
}
data "aws_ami" "two" {
  owners = ["099720109477"]
  filter {
    name   = "name"
    values = ["ubuntu/images/*"]
  }
}
data "aws_ami" "pinned" {
  owners             = ["amazon"]
  most_recent        = true
  include_deprecated = true
  filter {
    name   = "name"
    values = ["al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64"]
  }
}
variable "images" {
  default = {
    eu-west-1 = "ami-0aaaaaaaaaaaaaaa1"
    us-east-1 = "ami-0aaaaaaaaaaaaaaa9"
  }
}

resource "aws_instance" "web" {
  ami  = var.images["eu-west-1"]
  tags = { Name = "web", env = "prod" }
}
resource "aws_instance" "nameless" {
  ami = data.aws_ami.new.id
}
resource "aws_instance" "twin" {
  ami  = data.aws_ami.new.id
  tags = { Name = "twin" }
}
resource "aws_autoscaling_group" "workers" {
  name = "workers"
}
resource "aws_ssm_patch_baseline" "databases" {
  name = "databases"
}
resource "aws_ssm_patch_group" "databases" {
  baseline_id = aws_ssm_patch_baseline.databases.id
  patch_group = "databases"
}
resource "aws_eks_cluster" "old" {
  version = "1.29"
}
resource "aws_eks_cluster" "new" {
  version = "1.33"
}
resource "aws_eks_node_group" "new" {
  cluster_name    = aws_eks_cluster.new.name
  ami_type        = "AL2023_x86_64_STANDARD"
  release_version = "1.33.0-20260512"
}
resource "aws_eks_node_group" "stale" {
  cluster_name    = aws_eks_cluster.new.name
  ami_type        = "AL2023_x86_64_STANDARD"
  release_version = "1.33.0-20250101"
}
resource "aws_eks_node_group" "ended" {
  cluster_name    = aws_eks_cluster.old.name
  ami_type        = "AL2023_x86_64_STANDARD"
  release_version = "1.29.3-20240315"
}
`

// TestAccountExposed: what Inspector found in the image of a machine that a stranger reaches is a way in.
func TestAccountExposed(t *testing.T) {
	world := standInAccount(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.tf"), `provider "aws" {
  region = "eu-west-1"
}
provider "google" {
  region = "us-east-1" # is no region of theirs, and not AWS's affair
}
resource "google_compute_subnetwork" "other" {
  region = "us-east-1"
}
resource "aws_security_group" "open" {
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_instance" "web" {
  ami                         = "ami-0aaaaaaaaaaaaaaa1"
  associate_public_ip_address = true
  vpc_security_group_ids      = [aws_security_group.open.id]
  tags                        = { Name = "web", env = "prod" }
}
`)
	res := scanAMIs(t, dir, "--aws", "--only", "network")
	for _, seen := range world.Seen() {
		if !strings.HasPrefix(seen, "eu-west-1 ") {
			t.Errorf("asked %s", seen)
		}
	}
	if res.AttackSurface.Exploitable != 1 {
		t.Errorf("attack surface: %+v", res.AttackSurface)
	}
	said := ""
	for _, f := range res.Findings {
		if f.RuleID == "CVE-2024-3094" && (f.Exposure.Level != scanner.ExposureOpen || f.Kind != scanner.KindVulnerability || len(f.Advisory.CVSS) != 1 || f.Advisory.CVSS[0].Score != 10) {
			t.Errorf("%+v %+v", f, f.Advisory)
		}
		if f.Subject == "aws_instance.web" && f.Kind == scanner.KindExposure && strings.Contains(f.Message, "CVE-2024-3094") {
			said = f.Message
		}
	}
	if want := "aws_instance.web is open to any address on tcp/443 and runs ami-0aaaaaaaaaaaaaaa1 with CVE-2024-3094; name ami-0aaaaaaaaaaaaaaa3, the newest of its series, or patch machines when they start"; said != want {
		t.Errorf("got %q, want %q", said, want)
	}
}

// TestAccountRefused: each operation that is not allowed is named, and the scan goes on.
func TestAccountRefused(t *testing.T) {
	world := standInAccount(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.tf"), wholeAccount)
	for _, operation := range lookup.Operations {
		world.Refuse = map[string]string{"eu-west-1 " + operation: "AccessDeniedException"}
		res := scanAMIs(t, dir, "--aws")
		want := "AWS did not answer " + operation + " in eu-west-1: AccessDeniedException; allow it to the role of the scan"
		named := 0
		for _, n := range res.Notices {
			if n.Code == awsNotAsked && strings.Contains(n.Message, "did not answer") {
				named++
				if n.Message != want {
					t.Errorf("%s is refused, and the notice is %q", operation, n.Message)
				}
			}
			if n.Code == awsNotAnswered {
				t.Errorf("%s is refused, and what it would have said is called missing: %q", operation, n.Message)
			}
		}
		if named != 1 || len(res.Findings) == 0 {
			t.Errorf("%s is refused: %d notices, %d findings", operation, named, len(res.Findings))
		}
	}
}

// TestPolicy: the policy of the documents allows what is asked, and nothing else.
func TestPolicy(t *testing.T) {
	data, err := os.ReadFile(filepath.FromSlash("../../docs/machine-images.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(data), "```json\n")
	text, _, _ := strings.Cut(after, "```")
	var policy struct {
		Statement []struct{ Action []string }
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, s := range policy.Statement {
		allowed = append(allowed, s.Action...)
	}
	slices.Sort(allowed)
	if diff := cmp.Diff(slices.Sorted(slices.Values(lookup.Operations)), allowed); diff != "" {
		t.Errorf("(-asked +allowed):\n%s", diff)
	}
}

// TestAccountWithoutCredentials: a scan without credentials is a scan with a notice.
func TestAccountWithoutCredentials(t *testing.T) {
	world := standInAccount(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.tf"), twoRegions)
	res := scanAMIs(t, dir, "--aws")
	if !strings.Contains(fmt.Sprint(res.Notices), "AWS was not asked: no credentials") || len(world.Seen()) != 0 {
		t.Errorf("asked %q, notices: %+v", world.Seen(), res.Notices)
	}
}

func TestAWSEnvironment(t *testing.T) {
	variables, files := awsEnvironment([]string{"AWS_REGION=eu-west-1", "AWS_WEB_IDENTITY_TOKEN_FILE=/run/token", "GITHUB_TOKEN=x", "HOME=/home/a", "AWS_CONFIG_FILE="})
	if diff := cmp.Diff([]string{"AWS_REGION=eu-west-1", "AWS_WEB_IDENTITY_TOKEN_FILE=/run/token", "AWS_CONFIG_FILE="}, variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/run/token", filepath.FromSlash("/home/a/.aws")}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestAccountOfProcess: what somebody proposes gets neither the variables of an account nor the order to ask one.
func TestAccountOfProcess(t *testing.T) {
	environ := []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "HOME=/home/a"}
	for _, tt := range []struct {
		name          string
		opts          scanOptions
		trusted       bool
		args          []string
		want, hasMore string
	}{
		{"not asked for", scanOptions{}, true, []string{"scan", "--", "."}, "scan -- .", ""},
		{"a branch", scanOptions{aws: true}, true, []string{"scan", "--aws=true", "--", "."}, "scan --aws-snapshot=aws.json --aws=true -- .", environ[0]},
		{"answers that are kept", scanOptions{aws: true, awsSnapshot: "a.json"}, true, []string{"scan", "--aws=true", "--aws-snapshot=a.json", "--", "."}, "scan --aws=true --aws-snapshot=a.json -- .", environ[0]},
		{"a proposal says so itself", scanOptions{aws: true}, false, []string{"scan", "--aws=true", "--proposal", "--", "."}, "scan --aws=true --proposal -- .", ""},
		{"a fork too", scanOptions{aws: true, memoryReadOnly: true}, false, []string{"scan", "--cache-read-only", "--aws=true"}, "scan --cache-read-only --aws=true", ""},
		{"a proposal without a base", scanOptions{aws: true}, false, []string{"scan", "--aws=true", "--", "."}, "scan --aws=false -- .", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := scanProcess{environ: environ, args: tt.args}
			p.account(&tt.opts, tt.trusted)
			if got := strings.Join(p.args, " "); got != tt.want {
				t.Errorf("arguments %q, want %q", got, tt.want)
			}
			if got := strings.Join(p.more, " "); got != tt.hasMore {
				t.Errorf("variables %q, want %q", got, tt.hasMore)
			}
		})
	}
}

// An id of an ended release is followed to the same image of the next one, by a second question.
func TestAccountSuccessors(t *testing.T) {
	world := standInAccount(t)
	const ended = "ami-0ddddddddddddddd1"
	west := world.Regions["eu-west-1"]
	west.Images = append(west.Images, awstest.Image{
		ID: ended, Name: "amzn2-ami-hvm-2.0.20240110.0-x86_64-gp2", OwnerID: "137112412989", OwnerAlias: "amazon", Public: true, State: "available",
		Created: "2024-01-10T10:00:00.000Z", Architecture: "x86_64", RootDevice: "ebs", Virtualization: "hvm",
	})
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "aws.json")
	put(t, filepath.Join(dir, "main.tf"), "provider \"aws\" {\n  region = \"eu-west-1\"\n}\nresource \"aws_instance\" \"a\" {\n  ami = \""+ended+"\"\n}\n")
	for _, args := range [][]string{{"--aws", "--aws-snapshot", file}, {"--offline", "--aws-snapshot", file}} {
		f := findingOf(scanAMIs(t, dir, append(args, "--as-of", "2026-11-22")...), "ami-end-of-life", ended)
		if f == nil || f.Fix == nil || f.Fix.Bump == nil {
			t.Fatalf("%v: %+v", args, f)
		}
		want := scanner.Bump{Series: "amzn2-ami-hvm-*-x86_64-gp2", From: ended, To: awstest.Newest, Region: "eu-west-1", Major: true}
		if diff := cmp.Diff(want, *f.Fix.Bump); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
	}
}

// A pinned alias of Karpenter becomes the one of the newest release, and nothing else of its line changes.
func TestAccountAlias(t *testing.T) {
	standInAccount(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.tf"), "provider \"aws\" {\n  region = \"eu-west-1\"\n}\nresource \"aws_eks_cluster\" \"main\" {\n  name     = \"main\"\n  version  = \"1.33\"\n  role_arn = \"arn:aws:iam::111122223333:role/x\"\n}\n")
	put(t, filepath.Join(dir, "nodes.yaml"), "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: d}\nspec:\n  amiSelectorTerms:\n    - alias: al2023@v20250807 # as tested\n")
	f := findingOf(scanAMIs(t, dir, "--aws"), "aws-stale-ami", "al2023@v20250807")
	if f == nil || f.Fix == nil || f.Fix.Bump == nil || f.Fix.Bump.To != "al2023@v20260512" {
		t.Fatalf("%+v", f)
	}
	if want := []scanner.Edit{{Path: "nodes.yaml", Line: 6, EndLine: 6, Text: "    - alias: al2023@v20260512 # as tested"}}; !cmp.Equal(want, f.Fix.Edits) {
		t.Errorf("%+v", f.Fix.Edits)
	}
}
