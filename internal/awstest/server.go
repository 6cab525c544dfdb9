// Package awstest is a stand-in for AWS: the few operations that are asked of it, with what public test servers lack, such as
// days of creation and deprecation, the public parameters of EKS, Bottlerocket and Ubuntu, findings of Inspector, states of
// patches, throttling, pages and refusals. Its answers are written by AWS's service descriptions; a test has AWS's own command
// line read them.
//
// It knows nothing of package internal/aws, so that a mistake of that package is not made here as well.
package awstest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key and Secret are the credentials that requests have to be signed with. The signature itself is not verified.
const (
	Key    = "AKIDEXAMPLE"
	Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	// Account is the one that the credentials are of. It stands in refusals, where it must not be shown from.
	Account = "111122223333"
)

// Region is what one region answers.
type Region struct {
	Images     []Image
	Parameters map[string]string
	Findings   map[string][]Finding // by image
	Machines   []Machine
	Groups     []string // patch groups with a baseline
	Kubernetes []Version
}

// Image is a machine image. Times are written as AWS does: 2026-01-31T10:00:00.000Z.
type Image struct {
	ID             string `xml:"imageId"`
	Name           string `xml:"name"`
	OwnerID        string `xml:"imageOwnerId"`
	OwnerAlias     string `xml:"imageOwnerAlias,omitempty"`
	Public         bool   `xml:"isPublic"`
	State          string `xml:"imageState"`
	Created        string `xml:"creationDate"`
	Deprecated     string `xml:"deprecationTime,omitempty"`
	Architecture   string `xml:"architecture"`
	RootDevice     string `xml:"rootDeviceType"`
	Virtualization string `xml:"virtualizationType"`
}

// Finding is one of Inspector's.
type Finding struct {
	ID       string // CVE-2024-0727
	Severity string // critical, high, ...
	Score    float64
	Vector   string
	Fixed    bool
	Packages []Package
}

// Package is a package that a finding is about.
type Package struct {
	Name, Version, Release, Fixed string
	Epoch                         int
}

// Machine is an instance with the state of its patches, if Patch Manager knows it.
type Machine struct {
	ID      string
	State   string // running, stopped
	Tags    map[string]string
	Patches *Patches
}

// Patches is the state of the patches of a machine.
type Patches struct {
	Group, Operation                           string
	Ended                                      time.Time
	Installed, Missing, Failed, Reboot         int
	CriticalNonCompliant, SecurityNonCompliant int
}

// Version is a version of Kubernetes that EKS has.
type Version struct {
	Version            string
	Status             string // STANDARD_SUPPORT, EXTENDED_SUPPORT, UNSUPPORTED
	Standard, Extended time.Time
}

// Server answers as AWS does. Its fields are set before the first request.
type Server struct {
	Regions  map[string]*Region
	Refuse   map[string]string // codes of errors, by region and operation: "us-east-1 ec2:DescribeImages"
	Today    string            // the day by which images are deprecated, as 2006-01-02
	Page     int               // answers of one page; 0 is all
	Throttle int               // how many requests are answered with too many

	mu   sync.Mutex
	seen []string
}

// Seen returns what was asked: region and operation of each request, in order.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// ServeHTTP answers one request of any service of any region.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	authorization := r.Header.Get("Authorization")
	scope := strings.Split(authorization, "/")
	if !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential="+Key+"/") || len(scope) < 4 {
		http.Error(w, "unsigned", http.StatusForbidden)
		return
	}
	a := &answer{w: w, r: r, service: scope[3], region: s.Regions[scope[2]], server: s}
	if a.region == nil {
		a.region = &Region{}
	}
	if err := r.ParseForm(); err != nil && a.service == "ec2" {
		a.fail(http.StatusBadRequest, "MalformedQueryString")
		return
	}
	operation := a.operation()
	s.seen = append(s.seen, scope[2]+" "+operation)
	if s.Throttle > 0 {
		s.Throttle--
		a.fail(http.StatusBadRequest, "ThrottlingException")
		return
	}
	if code := s.Refuse[scope[2]+" "+operation]; code != "" {
		a.fail(http.StatusForbidden, code)
		return
	}
	switch operation {
	case "ec2:DescribeImages":
		a.images()
	case "ec2:GetImageFindings":
		a.imageFindings()
	case "ec2:DescribeInstances":
		a.instances()
	case "ssm:GetParameters":
		a.parameters()
	case "ssm:DescribeInstancePatchStates", "ssm:DescribeInstancePatchStatesForPatchGroup":
		a.patchStates()
	case "ssm:DescribePatchGroups":
		a.patchGroups()
	case "eks:DescribeClusterVersions":
		a.versions()
	case "inspector2:ListFindings":
		a.listFindings()
	default:
		a.fail(http.StatusBadRequest, "InvalidAction")
	}
}

// answer is one request and what it is answered.
type answer struct {
	w       http.ResponseWriter
	r       *http.Request
	service string
	region  *Region
	server  *Server
}

// operation returns the operation of a request, as policies name it.
func (a *answer) operation() string {
	switch {
	case a.service == "ec2":
		return "ec2:" + a.r.Form.Get("Action")
	case a.service == "ssm":
		return "ssm:" + strings.TrimPrefix(a.r.Header.Get("X-Amz-Target"), "AmazonSSM.")
	case a.service == "eks" && a.r.Method == http.MethodGet && a.r.URL.Path == "/cluster-versions":
		return "eks:DescribeClusterVersions"
	case a.service == "inspector2" && a.r.Method == http.MethodPost && a.r.URL.Path == "/findings/list":
		return "inspector2:ListFindings"
	}
	return a.service + ":"
}

func (a *answer) fail(status int, code string) {
	const who = "User: arn:aws:iam::" + Account + ":user/secret-name is not authorized"
	switch a.service {
	case "ec2":
		a.w.WriteHeader(status)
		fmt.Fprintf(a.w, `<?xml version="1.0"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>1</RequestID></Response>`, code, who)
	case "ssm":
		a.w.WriteHeader(status)
		fmt.Fprintf(a.w, `{"__type":"com.amazon#%s","Message":%q}`, code, who)
	default:
		a.w.Header().Set("X-Amzn-Errortype", code)
		a.w.WriteHeader(status)
		fmt.Fprintf(a.w, `{"message":%q}`, who)
	}
}

// xml writes the answer of an operation of EC2.
func (a *answer) xml(name string, body any) {
	data, err := xml.Marshal(body)
	if err != nil {
		a.fail(http.StatusInternalServerError, "InternalError")
		return
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(string(data), "<body>"), "</body>")
	fmt.Fprintf(a.w, `<?xml version="1.0"?><%s xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>%s</%[1]s>`, name, inner)
}

func (a *answer) json(body any) {
	a.w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(a.w).Encode(body); err != nil {
		a.fail(http.StatusInternalServerError, "InternalServerError")
	}
}

// page cuts a list into pages. token is that of the request; next is that of the answer.
func page[T any](a *answer, all []T, token string) (some []T, next string) {
	from := 0
	if number, ok := strings.CutPrefix(token, "from-"); ok {
		from, _ = strconv.Atoi(number)
	}
	from = min(from, len(all))
	if a.server.Page > 0 && from+a.server.Page < len(all) {
		return all[from : from+a.server.Page], fmt.Sprintf("from-%d", from+a.server.Page)
	}
	return all[from:], ""
}

// values are the values of a list in the form: Filter.1.Value.1, Filter.1.Value.2.
func values(form url.Values, prefix string) []string {
	var all []string
	for i := 1; form.Has(prefix + strconv.Itoa(i)); i++ {
		all = append(all, form.Get(prefix+strconv.Itoa(i)))
	}
	return all
}

// fits reports whether the filters of a request let something through, whose values of a name are given.
func (a *answer) fits(value func(name string) (string, bool)) bool {
	for n := 1; a.r.Form.Has(fmt.Sprintf("Filter.%d.Name", n)); n++ {
		text, ok := value(a.r.Form.Get(fmt.Sprintf("Filter.%d.Name", n)))
		if !ok || !slices.ContainsFunc(values(a.r.Form, fmt.Sprintf("Filter.%d.Value.", n)), func(pattern string) bool { return like(pattern, text) }) {
			return false
		}
	}
	return true
}

// like matches as filters of EC2 do: * stands for any text, ? for one character.
func like(pattern, text string) bool {
	flat := strings.NewReplacer("/", "\x01", "[", `\[`)
	ok, err := path.Match(flat.Replace(pattern), strings.ReplaceAll(text, "/", "\x01"))
	return err == nil && ok
}

func (a *answer) images() {
	owners := values(a.r.Form, "Owner.")
	ids := values(a.r.Form, "ImageId.")
	var found []Image
	for _, i := range a.region.Images {
		owned := len(owners) == 0 || slices.ContainsFunc(owners, func(o string) bool {
			return o == i.OwnerID || o == i.OwnerAlias || o == "self" && i.OwnerID == Account
		})
		deprecated := i.Deprecated != "" && i.Deprecated[:10] <= a.server.Today && i.OwnerID != Account
		switch {
		case !owned, deprecated && a.r.Form.Get("IncludeDeprecated") != "true", len(ids) > 0 && !slices.Contains(ids, i.ID):
			continue
		}
		if a.fits(func(name string) (string, bool) {
			v, ok := map[string]string{
				"image-id": i.ID, "name": i.Name, "state": i.State, "architecture": i.Architecture, "owner-id": i.OwnerID, "owner-alias": i.OwnerAlias,
				"root-device-type": i.RootDevice, "virtualization-type": i.Virtualization, "is-public": strconv.FormatBool(i.Public),
			}[name]
			return v, ok
		}) {
			found = append(found, i)
		}
	}
	some, next := page(a, found, a.r.Form.Get("NextToken"))
	a.xml("DescribeImagesResponse", struct {
		XMLName xml.Name `xml:"body"`
		Images  []Image  `xml:"imagesSet>item"`
		Next    string   `xml:"nextToken,omitempty"`
	}{Images: some, Next: next})
}

// title is how Inspector calls a finding.
func (f Finding) title() string {
	names := make([]string, 0, len(f.Packages))
	for _, p := range f.Packages {
		names = append(names, p.Name)
	}
	return f.ID + " - " + strings.Join(names, ", ")
}

func (a *answer) imageFindings() {
	id := a.r.Form.Get("ImageId")
	if !slices.ContainsFunc(a.region.Images, func(i Image) bool { return i.ID == id }) {
		a.fail(http.StatusBadRequest, "InvalidAMIID.NotFound")
		return
	}
	type finding struct {
		Fixed    bool    `xml:"fixAvailable"`
		Score    float64 `xml:"score"`
		First    string  `xml:"firstObservedAt"`
		Title    string  `xml:"title"`
		Severity string  `xml:"severityLabel"`
	}
	some, next := page(a, a.region.Findings[id], a.r.Form.Get("NextToken"))
	all := make([]finding, 0, len(some))
	for _, f := range some {
		all = append(all, finding{f.Fixed, f.Score, "2026-01-31T10:00:00.000Z", f.title(), f.Severity})
	}
	a.xml("GetImageFindingsResponse", struct {
		XMLName  xml.Name  `xml:"body"`
		Findings []finding `xml:"imageFindingSet>item"`
		Next     string    `xml:"nextToken,omitempty"`
	}{Findings: all, Next: next})
}

func (a *answer) instances() {
	type instance struct {
		ID    string `xml:"instanceId"`
		State string `xml:"instanceState>name"`
	}
	var found []instance
	for _, m := range a.region.Machines {
		if a.fits(func(name string) (string, bool) {
			if tag, ok := strings.CutPrefix(name, "tag:"); ok {
				v, ok := m.Tags[tag]
				return v, ok
			}
			return m.State, name == "instance-state-name"
		}) {
			found = append(found, instance{m.ID, m.State})
		}
	}
	some, next := page(a, found, a.r.Form.Get("NextToken"))
	type reservation struct {
		ID        string     `xml:"reservationId"`
		Instances []instance `xml:"instancesSet>item"`
	}
	a.xml("DescribeInstancesResponse", struct {
		XMLName      xml.Name      `xml:"body"`
		Reservations []reservation `xml:"reservationSet>item"`
		Next         string        `xml:"nextToken,omitempty"`
	}{Reservations: []reservation{{"r-1", some}}, Next: next})
}

// read reads the body of a question in JSON.
func (a *answer) read(question any) bool {
	if err := json.NewDecoder(a.r.Body).Decode(question); err != nil {
		a.fail(http.StatusBadRequest, "ValidationException")
		return false
	}
	return true
}

func (a *answer) parameters() {
	var q struct{ Names []string }
	if !a.read(&q) {
		return
	}
	if len(q.Names) > 10 {
		a.fail(http.StatusBadRequest, "ValidationException")
		return
	}
	type parameter struct {
		Name, Type, Value string
		Version           int
	}
	out := struct {
		Parameters        []parameter
		InvalidParameters []string
	}{[]parameter{}, []string{}}
	for _, name := range q.Names {
		if value, ok := a.region.Parameters[name]; ok {
			out.Parameters = append(out.Parameters, parameter{name, "String", value, 1})
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	a.json(out)
}

func (a *answer) patchStates() {
	var q struct {
		InstanceIds           []string
		PatchGroup, NextToken string
	}
	if !a.read(&q) {
		return
	}
	if len(q.InstanceIds) > 50 {
		a.fail(http.StatusBadRequest, "ValidationException")
		return
	}
	states := []map[string]any{}
	for _, m := range a.region.Machines {
		p := m.Patches
		if p == nil || len(q.InstanceIds) > 0 && !slices.Contains(q.InstanceIds, m.ID) || q.PatchGroup != "" && q.PatchGroup != p.Group {
			continue
		}
		states = append(states, map[string]any{
			"InstanceId": m.ID, "PatchGroup": p.Group, "BaselineId": "pb-0123456789abcdef0", "Operation": p.Operation,
			"OperationStartTime": p.Ended.Add(-time.Minute).Unix(), "OperationEndTime": float64(p.Ended.Unix()) + 0.25,
			"InstalledCount": p.Installed, "MissingCount": p.Missing, "FailedCount": p.Failed, "InstalledPendingRebootCount": p.Reboot,
			"CriticalNonCompliantCount": p.CriticalNonCompliant, "SecurityNonCompliantCount": p.SecurityNonCompliant,
		})
	}
	some, next := page(a, states, q.NextToken)
	out := map[string]any{"InstancePatchStates": some}
	if next != "" {
		out["NextToken"] = next
	}
	a.json(out)
}

func (a *answer) patchGroups() {
	var q struct{ NextToken string }
	if !a.read(&q) {
		return
	}
	some, next := page(a, a.region.Groups, q.NextToken)
	mappings := []map[string]any{}
	for _, name := range some {
		mappings = append(mappings, map[string]any{"PatchGroup": name, "BaselineIdentity": map[string]any{"BaselineId": "pb-0123456789abcdef0", "OperatingSystem": "AMAZON_LINUX_2023"}})
	}
	out := map[string]any{"Mappings": mappings}
	if next != "" {
		out["NextToken"] = next
	}
	a.json(out)
}

func (a *answer) versions() {
	asked := a.r.URL.Query()["clusterVersions"]
	found := []map[string]any{}
	for _, v := range a.region.Kubernetes {
		if len(asked) == 0 || slices.Contains(asked, v.Version) {
			found = append(found, map[string]any{
				"clusterVersion": v.Version, "clusterType": "eks", "versionStatus": v.Status,
				"endOfStandardSupportDate": v.Standard.Unix(), "endOfExtendedSupportDate": v.Extended.Unix(),
			})
		}
	}
	some, next := page(a, found, a.r.URL.Query().Get("nextToken"))
	out := map[string]any{"clusterVersions": some}
	if next != "" {
		out["nextToken"] = next
	}
	a.json(out)
}

func (a *answer) listFindings() {
	var q struct {
		Criteria map[string][]struct{ Comparison, Value string } `json:"filterCriteria"`
		Next     string                                          `json:"nextToken"`
	}
	if !a.read(&q) {
		return
	}
	found := []map[string]any{}
	for _, wanted := range q.Criteria["machineImageId"] {
		for _, f := range a.region.Findings[wanted.Value] {
			packages := []map[string]any{}
			for _, p := range f.Packages {
				packages = append(packages, map[string]any{"name": p.Name, "version": p.Version, "release": p.Release, "epoch": p.Epoch, "fixedInVersion": p.Fixed, "packageManager": "OS"})
			}
			fix := map[bool]string{true: "YES", false: "NO"}[f.Fixed]
			found = append(found, map[string]any{
				"findingArn": "arn:aws:inspector2:eu-west-1:" + Account + ":finding/1", "awsAccountId": Account, "type": "PACKAGE_VULNERABILITY", "status": "ACTIVE",
				"title": f.title(), "description": "x", "severity": strings.ToUpper(f.Severity), "inspectorScore": f.Score, "fixAvailable": fix, "exploitAvailable": "NO",
				"firstObservedAt": 1769853600, "lastObservedAt": 1769853600, "remediation": map[string]any{},
				"packageVulnerabilityDetails": map[string]any{
					"vulnerabilityId": f.ID, "source": "AMAZON_LINUX", "vulnerablePackages": packages,
					"cvss": []map[string]any{{"baseScore": f.Score, "scoringVector": f.Vector, "version": "3.1", "source": "NVD"}},
				},
				"resources": []map[string]any{{"type": "MACHINE_IMAGE", "id": wanted.Value, "details": map[string]any{"machineImage": map[string]any{"machineImageId": wanted.Value}}}},
			})
		}
	}
	some, next := page(a, found, q.Next)
	out := map[string]any{"findings": some}
	if next != "" {
		out["nextToken"] = next
	}
	a.json(out)
}
