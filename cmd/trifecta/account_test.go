package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// standInAccount answers for AWS: one image that is deprecated and its successor, in eu-west-1 only. It counts what it is asked.
func standInAccount(t *testing.T) *atomic.Int32 {
	t.Helper()
	var asked atomic.Int32
	const item = `<item><imageId>ami-0aaaaaaaaaaaaaaa%d</imageId><name>al2023-ami-2023.3.%s.0-kernel-6.1-x86_64</name><imageOwnerId>137112412989</imageOwnerId>` +
		`<imageOwnerAlias>amazon</imageOwnerAlias><isPublic>true</isPublic><imageState>available</imageState><architecture>x86_64</architecture>` +
		`<creationDate>2024-01-10T00:00:00.000Z</creationDate>%s</item>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.Contains(r.Header.Get("Authorization"), "/us-east-1/") {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>arn:aws:iam::111122223333:user/x</Message></Error></Errors></Response>`)
			return
		}
		items := fmt.Sprintf(item, 1, "20240110", "<deprecationTime>2024-04-10T00:00:00.000Z</deprecationTime>")
		if r.FormValue("Owner.1") != "" {
			items += strings.Replace(fmt.Sprintf(item, 3, "20260510", ""), "2024-01-10T", "2026-05-10T", 1)
		}
		fmt.Fprintf(w, `<DescribeImagesResponse><imagesSet>%s</imagesSet></DescribeImagesResponse>`, items)
	}))
	t.Cleanup(server.Close)
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	return &asked
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
	asked := standInAccount(t)
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
	if strings.Contains(fmt.Sprint(live), "111122223333") {
		t.Error("the result names the account that asked")
	}

	// The same judgement without a connection.
	before := asked.Load()
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
	if n := asked.Load() - before; n != 0 {
		t.Errorf("%d requests that nobody asked for", n)
	}
}

// TestAccountWithoutCredentials: a scan without credentials is a scan with a notice.
func TestAccountWithoutCredentials(t *testing.T) {
	asked := standInAccount(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	dir := t.TempDir()
	put(t, filepath.Join(dir, "main.tf"), twoRegions)
	res := scanAMIs(t, dir, "--aws")
	if !strings.Contains(fmt.Sprint(res.Notices), "AWS was not asked: no credentials") || asked.Load() != 0 {
		t.Errorf("%d requests, notices: %+v", asked.Load(), res.Notices)
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
