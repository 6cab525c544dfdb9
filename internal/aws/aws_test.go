package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
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
)

// standIn answers as EC2 and SSM do, with what public test servers lack: days of creation and deprecation, throttling, refusals.
type standIn struct {
	images     map[string][]image           // by region
	parameters map[string]map[string]string // by region and name
	refuse     map[string]string            // codes of errors, by region and operation
	throttle   int                          // how many requests are answered with too many
	page       int                          // images of one page; 0 is all

	mu   sync.Mutex
	seen []string
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	authorization := r.Header.Get("Authorization")
	scope := strings.Split(authorization, "/")
	if !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") || len(scope) < 4 {
		http.Error(w, "unsigned: "+authorization, http.StatusForbidden)
		return
	}
	region, service := scope[2], scope[3]
	s.seen = append(s.seen, region+" "+service)
	operation := describeImages
	if service == "ssm" {
		operation = getParameters
	}
	if s.throttle > 0 {
		s.throttle--
		s.fail(w, service, http.StatusBadRequest, "ThrottlingException")
		return
	}
	if code := s.refuse[region+" "+operation]; code != "" {
		s.fail(w, service, http.StatusForbidden, code)
		return
	}
	if service == "ssm" {
		s.answerParameters(w, r, region)
		return
	}
	s.answerImages(w, r, region)
}

func (s *standIn) fail(w http.ResponseWriter, service string, status int, code string) {
	w.WriteHeader(status)
	const who = "User: arn:aws:iam::111122223333:user/secret-name is not authorized"
	if service == "ssm" {
		fmt.Fprintf(w, `{"__type":"com.amazon#%s","Message":%q}`, code, who)
		return
	}
	fmt.Fprintf(w, `<?xml version="1.0"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors></Response>`, code, who)
}

func (s *standIn) answerParameters(w http.ResponseWriter, r *http.Request, region string) {
	var q struct{ Names []string }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.Names) > 10 || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameters" {
		s.fail(w, "ssm", http.StatusBadRequest, "ValidationException")
		return
	}
	type parameter struct{ Name, Value string }
	var a struct {
		Parameters        []parameter
		InvalidParameters []string
	}
	for _, name := range q.Names {
		if value, ok := s.parameters[region][name]; ok {
			a.Parameters = append(a.Parameters, parameter{name, value})
		} else {
			a.InvalidParameters = append(a.InvalidParameters, name)
		}
	}
	_ = json.NewEncoder(w).Encode(a)
}

func (s *standIn) answerImages(w http.ResponseWriter, r *http.Request, region string) {
	if r.ParseForm() != nil || r.Form.Get("Action") != "DescribeImages" {
		s.fail(w, "ec2", http.StatusBadRequest, "InvalidAction")
		return
	}
	var found []image
	for _, i := range s.images[region] {
		fits := true
		for n := 1; r.Form.Has(fmt.Sprintf("Filter.%d.Name", n)); n++ {
			value := map[string]string{"image-id": i.ID, "name": i.Name, "state": i.State}[r.Form.Get(fmt.Sprintf("Filter.%d.Name", n))]
			any := false
			for v := 1; r.Form.Has(fmt.Sprintf("Filter.%d.Value.%d", n, v)); v++ {
				like, err := filepath.Match(strings.ReplaceAll(r.Form.Get(fmt.Sprintf("Filter.%d.Value.%d", n, v)), "/", "|"), strings.ReplaceAll(value, "/", "|"))
				any = any || err == nil && like
			}
			fits = fits && any
		}
		if owner := r.Form.Get("Owner.1"); fits && (owner == "" || owner == i.OwnerID) {
			found = append(found, i)
		}
	}
	from := 0
	if token := r.Form.Get("NextToken"); token != "" {
		_, _ = fmt.Sscanf(token, "from-%d", &from)
	}
	next := ""
	if s.page > 0 && from+s.page < len(found) {
		next = fmt.Sprintf("from-%d", from+s.page)
		found = found[:from+s.page]
	}
	data, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeImagesResponse"`
		Images  []image  `xml:"imagesSet>item"`
		Next    string   `xml:"nextToken,omitempty"`
	}{Images: found[from:], Next: next})
	if err != nil {
		s.fail(w, "ec2", http.StatusInternalServerError, "InternalError")
		return
	}
	_, _ = w.Write(data)
}

// credentials puts keys into the environment as a pipeline does, and keeps whatever else the machine has out of the chain.
func credentials(t *testing.T, endpoint string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
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

const (
	old, gone, newest, private = "ami-0aaaaaaaaaaaaaaa1", "ami-0aaaaaaaaaaaaaaa2", "ami-0aaaaaaaaaaaaaaa3", "ami-0aaaaaaaaaaaaaaa4"
	parameter                  = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
)

func amazons() []image {
	linux := func(id, day, architecture string) image {
		return image{
			ID: id, Name: "al2023-ami-2023.3." + strings.ReplaceAll(day, "-", "") + ".0-kernel-6.1-" + architecture, OwnerID: "137112412989", OwnerAlias: "amazon",
			Public: true, State: "available", Created: day + "T10:00:00.000Z", Architecture: architecture,
		}
	}
	first := linux(old, "2024-01-10", "x86_64")
	first.Deprecated = "2024-04-10T00:00:00.000Z"
	return []image{
		first, linux("ami-0aaaaaaaaaaaaaaa5", "2025-01-10", "x86_64"), linux(newest, "2026-05-10", "x86_64"), linux("ami-0aaaaaaaaaaaaaaa6", "2026-05-20", "arm64"),
		{ID: private, Name: "app-1700000000", OwnerID: "111122223333", State: "available", Created: "2023-11-14T00:00:00.000Z"},
	}
}

func TestAsk(t *testing.T) {
	s := &standIn{
		images:     map[string][]image{"eu-west-1": amazons()},
		parameters: map[string]map[string]string{"eu-west-1": {parameter: newest, "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended": `{"image_id":"` + newest + `"}`}},
		refuse:     map[string]string{"us-east-1 " + describeImages: "UnauthorizedOperation", "us-east-1 " + getParameters: "AccessDeniedException"},
		throttle:   3, page: 1,
	}
	c, waits := client(t, s)
	got, err := c.Ask(t.Context(), Question{
		Images:     map[string][]string{"eu-west-1": {old, gone, private, old, "ami-custom"}, "us-east-1": {old}, "evil.example/": {old}},
		Parameters: map[string][]string{"eu-west-1": {parameter, "/aws/service/none", "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended"}, "us-east-1": {parameter}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &Snapshot{Schema: 1, Regions: []Region{
		{
			Name: "eu-west-1",
			Images: []Image{
				{ID: old, Name: "al2023-ami-2023.3.20240110.0-kernel-6.1-x86_64", Owner: "amazon", State: "available", CreatedAt: "2024-01-10", DeprecatedAt: "2024-04-10", Newest: newest},
				{ID: newest, Name: "al2023-ami-2023.3.20260510.0-kernel-6.1-x86_64", Owner: "amazon", State: "available", CreatedAt: "2026-05-10", Newest: newest},
				{ID: private, Name: "app-1700000000", State: "available", CreatedAt: "2023-11-14", Newest: private},
			},
			Parameters: []Parameter{
				{Name: parameter, Exists: true, Image: newest},
				{Name: "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended", Exists: true, Image: newest}, {Name: "/aws/service/none"},
			},
			Absent: []string{gone},
		},
		{Name: "evil.example/", Refused: []Refusal{{Code: NoRegion}}},
		{Name: "us-east-1", Refused: []Refusal{{getParameters, "AccessDeniedException"}, {describeImages, "UnauthorizedOperation"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if *waits != 3 {
		t.Errorf("%d waits for 3 requests too many", *waits)
	}
	for _, seen := range s.seen {
		if region, _, _ := strings.Cut(seen, " "); region != "eu-west-1" && region != "us-east-1" {
			t.Errorf("asked %s", seen)
		}
	}

	path := filepath.Join(t.TempDir(), "aws.json")
	if err := WriteSnapshot(path, got); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"AKIDEXAMPLE", "EXAMPLEKEY", "111122223333", "secret-name"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the snapshot has %s", secret)
		}
	}
	again, err := ReadSnapshot(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}

// TestThrottledForGood: an account that is throttled all the time is a refusal, after a bounded number of tries.
func TestThrottledForGood(t *testing.T) {
	s := &standIn{throttle: 1 << 30}
	c, _ := client(t, s)
	got, err := c.Ask(t.Context(), Question{Images: map[string][]string{"eu-west-1": {old}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Region{{Name: "eu-west-1", Refused: []Refusal{{describeImages, "ThrottlingException"}}}}
	if diff := cmp.Diff(want, got.Regions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(s.seen) != 6 {
		t.Errorf("%d tries", len(s.seen))
	}
}

// TestPagesWithoutEnd: a server that always has a next page is asked a bounded number of times.
func TestPagesWithoutEnd(t *testing.T) {
	n := 0
	c, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = w.Write([]byte(`<DescribeImagesResponse><nextToken>more</nextToken></DescribeImagesResponse>`))
	}))
	got, err := c.Ask(t.Context(), Question{Images: map[string][]string{"eu-west-1": {old}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Refusal{{describeImages, Failed}}, got.Regions[0].Refused); diff != "" || n != maxPages {
		t.Errorf("%d pages, (-want +got):\n%s", n, diff)
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
	f.Fuzz(func(t *testing.T, data []byte) {
		if images, _, err := parseImages(data); err == nil {
			for _, i := range images {
				if d := i.kept().CreatedAt; d != "" && len(d) != len(time.DateOnly) {
					t.Errorf("day %q", d)
				}
			}
		}
		if found, err := parseParameters(data, []string{"/aws/service/x"}); err == nil && (len(found) != 1 || found[0].Image != "" && !imageID.MatchString(found[0].Image)) {
			t.Errorf("%+v", found)
		}
	})
}
