package aws

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trifecta-scanner/trifecta/internal/awstest"
)

// credentials puts keys into the environment as a pipeline does, and keeps whatever else the machine has out of the chain.
func credentials(t *testing.T, endpoint string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", awstest.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", awstest.Secret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ENDPOINT_URL", endpoint)
}

// client returns a client of a server, by the real chain of credentials. It counts the waits and never waits.
func client(t *testing.T, handler http.Handler) (c *Client, waits *int) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	credentials(t, server.URL)
	waits = new(int)
	var mu sync.Mutex
	c, err := Open(t.Context(), Options{Now: func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }, Sleep: func(context.Context, time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		*waits++
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c, waits
}

// question asks for something of everything that awstest.World has.
func question() Question {
	ubuntu := []string{"099720109477"}
	return Question{"eu-west-1": {
		Images: []string{awstest.Old, awstest.Gone, awstest.Private, awstest.Old, "ami-custom", awstest.Trusty}, Listed: []string{awstest.Trusty},
		Parameters: []string{
			awstest.Latest, "/aws/service/none", "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/release_version",
			"/aws/service/bottlerocket/aws-k8s-1.33/x86_64/latest/image_version", "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/not/a/release_version",
		},
		Searches: []Search{
			{Owners: ubuntu, Filters: []Filter{{"name", []string{"ubuntu/images/hvm-ssd/ubuntu-*-amd64-server-*"}}}},
			{Owners: ubuntu, Filters: []Filter{{"name", []string{"ubuntu/images/hvm-ssd/ubuntu-*-amd64-server-*"}}}, NameRegex: "trusty|xenial"},
			{Owners: []string{"amazon"}, Filters: []Filter{{"name", []string{"al2023-ami-2023.3.20240110*"}}}},
			{Owners: []string{"self"}, Filters: []Filter{{"name", []string{"none-*"}}}},
			{Owners: ubuntu, NameRegex: "("},
		},
		Machines: []Machines{
			{[]Filter{{"tag:Name", []string{"web"}}, {"tag:env", []string{"prod"}}}}, {[]Filter{{"tag:aws:autoscaling:groupName", []string{"workers"}}}}, {[]Filter{{"tag:Name", []string{"nobody"}}}},
		},
		Groups: []string{"databases", "unregistered"}, Kubernetes: []string{"1.33", "1.29", "evil"},
	}}
}

func TestAsk(t *testing.T) {
	yes, no := true, false
	want := &Snapshot{Schema: 1, Regions: []Region{{
		Name: "eu-west-1",
		Images: []Image{
			{
				ID: awstest.Old, Name: "al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64", Owner: "amazon", State: "available", CreatedAt: "2024-01-10", DeprecatedAt: "2024-04-10", Newest: awstest.Newest, NewestName: "al2023-ami-2023.3.20260510.0-kernel-6.1-x86_64",
				Findings: []Finding{
					{ID: "CVE-2023-0001", Severity: "low", Score: 3.1, Packages: []Package{{Name: "curl"}}},
					{
						ID: "CVE-2024-0727", Severity: "medium", Score: 5.5, Fixable: true, Vectors: []string{"CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H"},
						Packages: []Package{{Name: "openssl-libs", Version: "1:3.0.8-1.amzn2023.0.9", Fixed: "1:3.0.8-1.amzn2023.0.11"}},
					},
					{
						ID: "CVE-2024-3094", Severity: "critical", Score: 10, Fixable: true, Vectors: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"},
						Packages: []Package{{Name: "xz-libs", Version: "5.6.0-1.amzn2023", Fixed: "0:5.6.1-2.amzn2023"}, {Name: "xz", Version: "5.6.0-1.amzn2023", Fixed: "0:5.6.1-2.amzn2023"}},
					},
				},
			},
			{ID: awstest.Newest, Name: "al2023-ami-2023.3.20260510.0-kernel-6.1-x86_64", Owner: "amazon", State: "available", CreatedAt: "2026-05-10", Newest: awstest.Newest},
			{ID: awstest.Private, Name: "app-1700000000", State: "available", CreatedAt: "2023-11-14", Newest: awstest.Private},
			{ID: awstest.Jammy, Name: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260506", Owner: "099720109477", State: "available", CreatedAt: "2026-05-06", Newest: awstest.Jammy},
			{ID: awstest.Trusty, Name: "ubuntu/images/hvm-ssd/ubuntu-trusty-14.04-amd64-server-20190514", Owner: "099720109477", State: "available", CreatedAt: "2019-05-14", Newest: awstest.Trusty},
		},
		Parameters: []Parameter{
			{Name: awstest.Latest, Exists: true, Image: awstest.Newest},
			{Name: "/aws/service/bottlerocket/aws-k8s-1.33/x86_64/latest/image_version", Exists: true, Release: "1.41.0-a1b2c3d4"},
			{Name: "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/not/a/release_version", Exists: true},
			{Name: "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/release_version", Exists: true, Release: "1.33.0-20260512"},
			{Name: "/aws/service/none"},
		},
		Searches: []Found{
			{Search: question()["eu-west-1"].Searches[1], Count: 1, Image: awstest.Trusty},
			{Search: question()["eu-west-1"].Searches[0], Count: 2, Image: awstest.Jammy},
			{Search: question()["eu-west-1"].Searches[2]}, // deprecated
			{Search: question()["eu-west-1"].Searches[3]},
		},
		Machines: []Patching{
			{Filters: question()["eu-west-1"].Machines[2].Filters},
			{Filters: question()["eu-west-1"].Machines[0].Filters, Machines: 1, Reporting: 1, Behind: 1, Missing: 7, Critical: 2, Security: 3, Since: "2026-05-30"},
			{Filters: question()["eu-west-1"].Machines[1].Filters, Machines: 2, Reporting: 1, Behind: 1, Failed: 1, Reboot: 4, Installs: 1, Since: "2026-05-20"},
		},
		Groups: []Patching{
			{Group: "databases", Registered: &yes, Machines: 1, Reporting: 1, Installs: 1, Since: "2026-05-31"},
			{Group: "unregistered", Registered: &no},
		},
		Kubernetes: []Kubernetes{{"1.29", "2025-03-23", "2026-03-23"}, {"1.33", "2026-07-29", "2027-07-29"}},
		Absent:     []string{awstest.Gone},
		Refused:    []Refusal{{describeImages, BadPattern}},
	}}}
	for _, page := range []int{0, 1} {
		s := awstest.World()
		s.Page, s.Throttle = page, 3
		c, waits := client(t, s)
		got, err := c.Ask(t.Context(), question())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", page, diff)
		}
		if *waits != 3 {
			t.Errorf("%d waits for 3 requests too many", *waits)
		}
		for _, seen := range s.Seen() {
			region, operation, _ := strings.Cut(seen, " ")
			if region != "eu-west-1" || !slices.Contains(Operations, operation) {
				t.Errorf("asked %s", seen)
			}
		}
		kept(t, got)
	}
}

// kept writes a snapshot and reads it again: it is the same, and has no secret.
func kept(t *testing.T, s *Snapshot) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aws.json")
	if err := WriteSnapshot(path, s); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{awstest.Key, awstest.Secret, awstest.Account, "secret-name", `"i-0`} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the snapshot has %s", secret)
		}
	}
	again, err := ReadSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}

// TestRefused refuses one operation after the other: it is named, and everything else is still answered.
func TestRefused(t *testing.T) {
	for _, operation := range Operations {
		t.Run(operation, func(t *testing.T) {
			s := awstest.World()
			s.Refuse["eu-west-1 "+operation] = "AccessDeniedException"
			c, _ := client(t, s)
			got, err := c.Ask(t.Context(), question())
			if err != nil {
				t.Fatal(err)
			}
			r := got.Region("eu-west-1")
			want := []Refusal{{describeImages, BadPattern}, {operation, "AccessDeniedException"}}
			if operation == describeImages {
				want = want[1:]
			}
			order := cmpopts.SortSlices(func(a, b Refusal) bool { return a.Code < b.Code })
			if diff := cmp.Diff(want, r.Refused, order); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if operation != describeImages && (len(r.Images) != 5 && operation != getParameters || r.Absent == nil) {
				t.Errorf("%d images, absent %q", len(r.Images), r.Absent)
			}
			if operation != clusterVersions && len(r.Kubernetes) != 2 || operation == getImageFindings && len(r.Image(awstest.Old).Findings) != 3 {
				t.Errorf("not asked any more: %+v", r)
			}
			if operation == describeImages && r.Absent != nil {
				t.Errorf("what was not answered is said to be absent: %q", r.Absent)
			}
		})
	}
}

// TestAskNoRegion: a word of the tree that is no region gets into no address.
func TestAskNoRegion(t *testing.T) {
	s := awstest.World()
	c, _ := client(t, s)
	got, err := c.Ask(t.Context(), Question{"evil.example/": {Images: []string{awstest.Old}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Region{{Name: "evil.example/", Refused: []Refusal{{Code: NoRegion}}}}, got.Regions); diff != "" || len(s.Seen()) > 0 {
		t.Errorf("asked %q, (-want +got):\n%s", s.Seen(), diff)
	}
}

// TestThrottledForGood: an account that is throttled all the time is a refusal, after a bounded number of tries.
func TestThrottledForGood(t *testing.T) {
	s := awstest.World()
	s.Throttle = 1 << 30
	c, _ := client(t, s)
	got, err := c.Ask(t.Context(), Question{"eu-west-1": {Images: []string{awstest.Old}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Region{{Name: "eu-west-1", Refused: []Refusal{{describeImages, "ThrottlingException"}}}}
	if diff := cmp.Diff(want, got.Regions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(s.Seen()); n != 6 {
		t.Errorf("%d tries", n)
	}
}

// TestPagesWithoutEnd: a server that always has a next page is asked a bounded number of times.
func TestPagesWithoutEnd(t *testing.T) {
	n := 0
	c, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = w.Write([]byte(`<DescribeImagesResponse><nextToken>more</nextToken></DescribeImagesResponse>`))
	}))
	got, err := c.Ask(t.Context(), Question{"eu-west-1": {Images: []string{awstest.Old}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Refusal{{describeImages, TooMuch}}, got.Regions[0].Refused); diff != "" || n != maxPages {
		t.Errorf("%d pages, (-want +got):\n%s", n, diff)
	}
}

// TestTitles: how Inspector calls what it finds, and what is none of it.
func TestTitles(t *testing.T) {
	for _, tt := range []struct {
		title string
		want  *Finding
	}{
		{"CVE-2024-0727 - openssl-libs, openssl", &Finding{ID: "CVE-2024-0727", Packages: []Package{{Name: "openssl-libs"}, {Name: "openssl"}}}},
		{"CVE-2024-0727", &Finding{ID: "CVE-2024-0727"}},
		{"KB5023697", &Finding{ID: "KB5023697"}},
		{"GHSA-7wrw-r4p8-38rx - pkg", &Finding{ID: "GHSA-7wrw-r4p8-38rx", Packages: []Package{{Name: "pkg"}}}},
		{"SNYK-PYTHON-BLACK-6256273 - black", &Finding{ID: "SNYK-PYTHON-BLACK-6256273", Packages: []Package{{Name: "black"}}}},
		{"Port 22 is reachable from an Internet Gateway", nil},
		{"", nil},
	} {
		data := "<GetImageFindingsResponse><imageFindingSet><item><title>" + tt.title + "</title></item></imageFindingSet></GetImageFindingsResponse>"
		found, _, skipped, err := parseFindings([]byte(data))
		var want []Finding
		if tt.want != nil {
			want = []Finding{*tt.want}
		}
		if diff := cmp.Diff(want, found); err != nil || diff != "" || (skipped == 1) != (tt.want == nil) {
			t.Errorf("%q: %v, %d skipped (-want +got):\n%s", tt.title, err, skipped, diff)
		}
	}
}

func TestMoment(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"1769853600", "2026-01-31"}, {"1.7698536E9", "2026-01-31"}, {`"2026-01-31T10:00:00Z"`, "2026-01-31"}, {`"2026-01-31T10:00:00.000+00:00"`, "2026-01-31"},
		{"-1", ""}, {"1e300", ""}, {`"soon"`, ""}, {"null", ""}, {"{}", ""},
	} {
		var m moment
		if err := json.Unmarshal([]byte(tt.text), &m); err != nil || m.day() != tt.want {
			t.Errorf("%s is %q, %v; want %q", tt.text, m.day(), err, tt.want)
		}
	}
}

func TestOpenWithoutCredentials(t *testing.T) {
	credentials(t, "")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := Open(t.Context(), Options{Now: time.Now}); !errors.Is(err, ErrNoCredentials) {
		t.Errorf("got %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	c := &Client{opts: Options{Getenv: func(name string) string {
		return map[string]string{"AWS_ENDPOINT_URL_SSM": "https://ssm.example"}[name]
	}}}
	for _, tt := range []struct{ service, region, want string }{
		{"ec2", "eu-west-1", "https://ec2.eu-west-1.amazonaws.com/"},
		{"ec2", "us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com/"},
		{"ec2", "cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn/"},
		{"ssm", "eu-west-1", "https://ssm.example/"},
	} {
		if got := c.service(tt.service, tt.region).address; got != tt.want {
			t.Errorf("%s in %s: %s, want %s", tt.service, tt.region, got, tt.want)
		}
	}
}

func TestSeries(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20230115", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"},
		{"ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20230115.1", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"},
		{"amzn2-ami-hvm-2.0.20200406.0-x86_64-gp2", "amzn2-ami-hvm-*-x86_64-gp2"},
		{"al2023-ami-2023.3.20240117.0-kernel-6.1-x86_64", "al2023-ami-*-kernel-6.1-x86_64"},
		{"debian-12-amd64-20240115-1626", "debian-12-amd64-*"},
		{"Windows_Server-2019-English-Full-Base-2024.01.10", "Windows_Server-2019-English-Full-Base-*"},
		{"RHEL-9.3.0_HVM-20240117-x86_64-49-Hourly2-GP3", "RHEL-9.3.0_HVM-*-x86_64-49-Hourly2-GP3"},
		{"amazon-eks-node-1.28-v20240110", "amazon-eks-node-1.28-v*"},
		{"bottlerocket-aws-k8s-1.28-x86_64-v1.19.0-c0ffee12", "bottlerocket-aws-k8s-1.28-x86_64-*"},
		{"app-1700000000", "app-*"},
		{"app 2024-01-31T10-20-30Z", "app *"},
		{"app", ""},
		{"20240115", ""},
		{"app-*-20240115", ""},
	} {
		if got := Series(tt.name); got != tt.want {
			t.Errorf("Series(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`<Response><Errors><Error><Code>RequestLimitExceeded</Code>`, "RequestLimitExceeded"},
		{`<Code>InvalidAMIID.NotFound</Code>`, "InvalidAMIID.NotFound"},
		{`{"__type":"AccessDeniedException","Message":"x"}`, "AccessDeniedException"},
		{`{"__type" : "com.amazonaws.ssm#ThrottlingException"}`, "ThrottlingException"},
		{"<html>", ""},
	} {
		if got := codeOf(tt.text); got != tt.want {
			t.Errorf("codeOf(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

var badSnapshots = []string{"", "null", "[]", `{"schema":2}`, `{"schema":1,"regions":[{"name":1}]}`, `{"schema":1,"secret":"x"}`}

func TestBadSnapshot(t *testing.T) {
	for _, text := range badSnapshots {
		if s, err := ParseSnapshot([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, s)
		}
	}
}

func FuzzParseSnapshot(f *testing.F) {
	for _, text := range badSnapshots {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"schema":1,"regions":[{"name":"eu-west-1","images":[{"id":"ami-0aaaaaaaaaaaaaaa1"}],"absent":["ami-1"],"refused":[{"code":"x"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSnapshot(data)
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(s.Regions, func(a, b Region) int { return strings.Compare(a.Name, b.Name) }) {
			t.Error("regions are not sorted")
		}
	})
}

func FuzzParseAnswers(f *testing.F) {
	f.Add([]byte(`<DescribeImagesResponse><imagesSet><item><imageId>ami-0aaaaaaaaaaaaaaa1</imageId><creationDate>2024-01-10T10:00:00.000Z</creationDate></item></imagesSet></DescribeImagesResponse>`))
	f.Add([]byte(`{"Parameters":[{"Name":"/aws/service/x","Value":"ami-0aaaaaaaaaaaaaaa1"}]}`))
	f.Add([]byte(`<GetImageFindingsResponse><imageFindingSet><item><title>CVE-2024-0727 - a, b</title><score>5.5</score></item></imageFindingSet></GetImageFindingsResponse>`))
	f.Add([]byte(`{"findings":[{"packageVulnerabilityDetails":{"vulnerabilityId":"CVE-2024-0727","vulnerablePackages":[{"name":"a","epoch":1}]},"resources":[{"details":{"machineImage":{"machineImageId":"ami-0aaaaaaaaaaaaaaa1"}}}]}]}`))
	f.Add([]byte(`<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`))
	f.Add([]byte(`{"clusterVersions":[{"clusterVersion":"1.33","endOfStandardSupportDate":1785283200}],"InstancePatchStates":[{"MissingCount":1,"OperationEndTime":1785283200.5}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		shown := func(f Finding) {
			for _, p := range f.Packages {
				if p.Name == "" || strings.ContainsFunc(p.Name+p.Version+p.Fixed, func(c rune) bool { return c < ' ' }) {
					t.Errorf("package %+v", p)
				}
			}
			if f.ID == "" || f.Score < 0 || f.Score > 10 {
				t.Errorf("finding %+v", f)
			}
		}
		if found, _, _, err := parseFindings(data); err == nil {
			for _, f := range found {
				shown(f)
			}
		}
		_, _ = parseDetails(data, func(id string, f Finding) {
			if !imageID().MatchString(id) {
				t.Errorf("image %q", id)
			}
			shown(f)
		})
		_, _, _ = parseMachines(data)
		if versions, _, err := parseVersions(data); err == nil {
			for _, v := range versions {
				if d := v.StandardEnd; d != "" && len(d) != len(time.DateOnly) {
					t.Errorf("day %q", d)
				}
			}
		}
		if images, _, err := parseImages(data); err == nil {
			for _, i := range images {
				if d := i.kept().CreatedAt; d != "" && len(d) != len(time.DateOnly) {
					t.Errorf("day %q", d)
				}
			}
		}
		if found, err := parseParameters(data, []string{"/aws/service/x"}); err == nil && (len(found) != 1 || found[0].Image != "" && !imageID().MatchString(found[0].Image)) {
			t.Errorf("%+v", found)
		}
	})
}
