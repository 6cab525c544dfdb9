// Package ami judges the machine images that a tree refers to, and other systems that age: how long they are supported, how
// old they are, whether a search for them can be answered by a stranger. It needs no account; what an account knows on top
// (see internal/aws) is judged by the same rules.
//
// The facts are those of package machine and of the typed model. To add a rule, write a check and list its rule in Rules.
package ami

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/intel"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner"
)

const rulesPage = "https://github.com/trifecta-scanner/trifecta/blob/main/docs/rules.md#"

func rule(id string, severity scanner.Severity, title, help string, aliases ...string) scanner.Rule {
	return scanner.Rule{ID: id, Aliases: aliases, Severity: severity, Title: title, Help: help, URL: rulesPage + id, Tags: []string{"aws", "ami"}}
}

var (
	endOfLife = rule("ami-end-of-life", scanner.High, "Machine image whose system gets no more security updates",
		"No flaw that is found from now on is fixed in it. Move to a supported release; the finding names one. Extended support that is paid for is counted as none, because the code does not show it.")
	endingSoon = rule("ami-end-of-life-soon", scanner.Low, "Machine image whose system soon gets no more security updates",
		"Support ends within 90 days. Plan the move to a supported release now.")
	stale = rule("aws-stale-ami", scanner.Medium, "Machine image that is old, deprecated, or has a newer one",
		"An image carries the packages of the day it was made; what was fixed since is missing until the machine is patched. Refer to a newer image, or let the reference follow the newest one.\n\n"+
			"Related: Well-Architected SEC06-BP02.", "HOST-006")
	unowned = rule("ami-without-owner", scanner.High, "Search for a machine image that anyone can answer",
		"The search names no owner, so that a stranger who publishes an image of a matching name and a newer date is found instead: their image then runs with your role. "+
			"Name the owners, such as amazon or the publisher's account.")
	unpinned = rule("ami-unpinned", scanner.Info, "Machine image that changes by itself",
		"The newest image is taken whenever the code is applied: patches come without a change, and so do surprises; two applies may differ. Where builds must be repeatable, name an image and let a request bump it. "+
			"Set the severity in the configuration to choose between the two.")
	noMap = rule("ami-literal-id", scanner.Low, "Machine image named by an id without its region",
		"An id holds in one region only, and nobody sees from it what it is or how old. Use a data source, a public parameter, or a map by region.")
	sameID = rule("ami-id-in-several-regions", scanner.Medium, "One machine image id for several regions",
		"Ids differ by region: at most one of these places works, and the others fail or, worse, start something else. Look the image up in each region.")
	packerPublic = rule("packer-image-public", scanner.High, "Packer template that publishes its image",
		"Everyone can start the image, or make a disk of its snapshot, and read what is on it, secrets that were left behind included. Remove ami_groups and snapshot_groups, and share with accounts by ami_users.")
	packerPlain = rule("packer-image-unencrypted", scanner.Medium, "Packer template whose image is not encrypted",
		"Snapshots that leave the account are readable. Set encrypt_boot to true. Without it, an image is encrypted only where its source is, or where the account encrypts by default.")
	databaseEnd = rule("database-end-of-life", scanner.Medium, "Database engine that is past its standard support",
		"No flaw of the engine is fixed, or extended support is billed by the hour. Upgrade to a supported major version.")
	runtimeEnd = rule("runtime-end-of-life", scanner.Medium, "Function runtime that is deprecated",
		"The runtime gets no more security updates and can soon not be deployed any more. Move to a supported one.")
	clusterEnd = rule("eks-end-of-life", scanner.Medium, "Kubernetes version of a cluster, or of its nodes, that is past its standard support",
		"Extended support costs six times as much and ends as well; then AWS upgrades by force. Upgrade one minor version at a time.")
)

// Rules are the rules of this package.
var Rules = []scanner.Rule{endOfLife, endingSoon, stale, unowned, unpinned, noMap, sameID, packerPublic, packerPlain, databaseEnd, runtimeEnd, clusterEnd, missing}

// Scanner is the scanner.Scanner of machine images.
type Scanner struct {
	References []machine.Reference
	Model      *aws.Model
	Resources  []*inventory.Resource
	// Intel has end-of-life dates; those that the program carries are used where it has none.
	Intel *intel.Data
	AsOf  time.Time
	// StaleDays is the age from which an image is old; 0 is the default of 180.
	StaleDays int
	// Read reads a file of the tree, for edits; nil: none are made.
	Read func(path string) ([]byte, error)
	// Account has what the account knows of images, by Key; nil where it was not asked.
	Account map[inventory.ID]Answer
	// Patches and Kubernetes are what it knows of the patches of machines, and of the support of versions of Kubernetes.
	Patches    []Patches
	Kubernetes map[string]Support
}

// Answer is what an account knows of an image.
type Answer struct {
	Name, Owner, CreatedAt, DeprecatedAt string
	State                                string       // available, deregistered, ...
	Newest                               inventory.ID // of its series, where that is another image
	NewestName                           string
	Series                               string       // what stays the same of the names of its series
	Image                                inventory.ID // that a search or a parameter leads to, or the id itself
	Region                               string
	Findings                             []Vulnerability
	// Successors are the same image of later releases of its system, by release.
	Successors map[string]inventory.ID
	// Others are the answers of other regions. The first one is the one that is worst.
	Others []Answer
}

// DefaultStaleDays is how old an image may be.
const DefaultStaleDays = 180

// Name returns the name of the scanner.
func (Scanner) Name() string { return "machine images" }

// Scan judges the references. Ends of life and replacements are put into the inventory's machine images.
func (s Scanner) Scan(_ context.Context, inv *inventory.Inventory) (*scanner.Judgement, error) {
	p := &pass{Scanner: s, out: &scanner.Judgement{}, products: map[string]*intel.Product{}, files: map[string][]string{}}
	p.StaleDays = cmp.Or(p.StaleDays, DefaultStaleDays)
	for i := range p.References {
		p.reference(&p.References[i])
	}
	p.regions()
	p.packer()
	p.ages()
	p.patches()
	inv.MachineImages = nil
	for _, r := range p.References {
		inv.MachineImages = append(inv.MachineImages, r.MachineImage)
	}
	used := map[string]bool{}
	for _, f := range p.out.Findings {
		used[f.RuleID] = true
	}
	for _, r := range Rules {
		if used[r.ID] {
			p.out.Rules = append(p.out.Rules, r)
		}
	}
	if p.carried != "" {
		p.out.Notices = append(p.out.Notices, inventory.Notice{
			Code: "end-of-life-snapshot", Message: fmt.Sprintf("end-of-life dates are those that the program carries, of %s; name newer ones with --intel", p.carried),
		})
	}
	return p.out, nil
}

type pass struct {
	Scanner
	out      *scanner.Judgement
	products map[string]*intel.Product
	files    map[string][]string // lines by path
	carried  string              // the day of the data that the program carries, where it was used
}

// release returns the cycle of a product that a version belongs to.
func (p *pass) release(product, version string) (r intel.Release, successor string, ok bool) {
	if product == "" || version == "" {
		return r, "", false
	}
	known, asked := p.products[product]
	if !asked {
		if found, ok, err := p.Intel.Product(product); ok && err == nil {
			known = &found
		} else if found, day, ok := intel.Snapshot(product); ok {
			known, p.carried = &found, day
		}
		p.products[product] = known
	}
	if known == nil {
		return r, "", false
	}
	r, ok = known.Release(version)
	return r, p.successor(product, known.Releases), ok
}

// successor returns the release to move to: the oldest one that is supported for another year, as it asks for the fewest
// changes, else the one that is supported longest.
func (p *pass) successor(product string, releases []intel.Release) string {
	day, nextYear := p.AsOf.Format(time.DateOnly), p.AsOf.AddDate(1, 0, 0).Format(time.DateOnly)
	best, end := "", ""
	for i := range releases { // newest first
		r := &releases[i]
		if !r.EndOfLife.Known || r.EndOfLife.Passed(day) || !isMajor(product, r.Cycle) {
			continue
		}
		if until := cmp.Or(r.EndOfLife.Day, "9999"); best == "" || until >= nextYear || until > end && end < nextYear {
			best, end = r.Cycle, until
		}
	}
	return best
}

// isMajor reports whether a release is one to move to: of Ubuntu those of every second April, on which machines are built; of
// databases those that have patches, not one of these.
func isMajor(product, cycle string) bool {
	switch {
	case product == "ubuntu":
		year, month, _ := strings.Cut(cycle, ".")
		return month == "04" && len(year) == 2 && (year[1]-'0')%2 == 0
	case strings.HasPrefix(product, "amazon-rds-"):
		return strings.Count(cycle, ".") < 2
	}
	return true
}

// report adds a finding, which is returned so that it can be given another fix than the advice.
func (p *pass) report(r *machine.Reference, rule scanner.Rule, message, advice string) *scanner.Finding {
	at := r.Text
	if len(r.Locations) > 0 && at.IsZero() {
		at = r.Locations[0]
	}
	f := scanner.Finding{
		RuleID: rule.ID, Kind: scanner.KindMachineImage, Severity: rule.Severity, Pillar: scanner.PillarVulnerability,
		Message: fmt.Sprintf("%s %s; %s", r.ID, message, advice), Subject: r.ID, Location: at, Fix: &scanner.Fix{Message: advice},
		FingerprintKey: append([]string{rule.ID}, anchor(r, at.Path)...), Exposure: scanner.Exposure{Workloads: slices.Clone(r.Workloads)},
	}
	for _, l := range r.Locations {
		if l != at && len(f.Related) < 10 {
			f.Related = append(f.Related, scanner.Related{Location: l, Message: "also named here"})
		}
	}
	p.out.Findings = append(p.out.Findings, f)
	return &p.out.Findings[len(p.out.Findings)-1]
}

// anchor is what stays the same of a reference when it names another image of its series: a finding that a bump leaves is the
// one that was there.
func anchor(r *machine.Reference, path string) []string {
	id := string(r.ID)
	switch {
	case r.Source() != "":
		return []string{string(r.Source()), path}
	case r.Form == machine.Parameter:
		return []string{id, path}
	}
	region := ""
	if r.InMap { // else it may be what an account says
		region = r.Region
	}
	if len(r.Workloads) > 0 {
		return []string{r.Form, string(r.Workloads[0]), region, path}
	}
	return []string{r.Form, region, path}
}

// soon is how long before its end a system is called ending.
const soon = 90 * 24 * time.Hour

func (p *pass) reference(r *machine.Reference) {
	if r.Placeholder {
		return
	}
	day := p.AsOf.Format(time.DateOnly)
	told := false
	if answer, ok := p.Account[Key(r)]; ok {
		if told = p.answered(r, answer); !told {
			p.old(r, &answer)
		}
		p.known(r, &answer)
	}
	release, successor, ok := p.release(r.System.Product, r.System.Cycle)
	if ok && release.EndOfLife.Known {
		end := release.EndOfLife
		if r.System.Long && release.Extended.Known {
			end = release.Extended
		}
		r.EndOfLife = end.Day
		replacement := fmt.Sprintf("%s %s", title(r.System.Name), successor)
		next := r.Successor(successor)
		if isID(r.ID) {
			next = string(p.Account[Key(r)].Successors[successor])
		}
		if next != "" {
			replacement = next
		}
		switch {
		case end.Passed(day):
			f := p.report(r, endOfLife, fmt.Sprintf("is %s, which has had no security updates since %s", r.System.Name, cmp.Or(end.Day, "some time")), "move to "+replacement)
			p.succeed(f, r, next, replacement)
		case end.Day != "" && end.Day < p.AsOf.Add(soon).Format(time.DateOnly):
			f := p.report(r, endingSoon, fmt.Sprintf("is %s, which gets security updates until %s", r.System.Name, end.Day), "plan the move to "+replacement)
			p.succeed(f, r, next, replacement)
		}
	}
	if r.System.EKS && r.System.Product == "amazon-linux" && r.System.Cycle == "2" && day > eksAL2End && !(ok && release.EndOfLife.Passed(day)) {
		f := p.report(r, endOfLife, "is an EKS image of Amazon Linux 2, which AWS has not published since "+eksAL2End, "move to AL2023 or Bottlerocket")
		p.succeed(f, r, r.Successor("2023"), "AL2023")
	}
	if version := r.System.Kubernetes; version != "" {
		if release, successor, ok := p.release("amazon-eks", version); ok && release.EndOfLife.Passed(day) {
			p.report(r, clusterEnd, fmt.Sprintf("is made for Kubernetes %s, whose standard support ended on %s", version, cmp.Or(release.EndOfLife.Day, "an earlier day")), "upgrade the cluster step by step to "+successor+", and its nodes with it")
		}
	}
	if r.Unowned {
		p.report(r, unowned, "is searched for without an owner, so that anyone who publishes such a name is found"+p.today(r), `name the owners, such as owners = ["amazon"]`)
	}
	built := cmp.Or(r.CreatedAt, r.Built)
	if built != "" && !r.Moving && !told {
		if t, err := time.Parse(time.DateOnly, built); err == nil {
			if age := int(p.AsOf.Sub(t).Hours() / 24); age > p.StaleDays {
				f := p.report(r, stale, fmt.Sprintf("was made on %s, %d days ago", built, age), "name a newer one")
				p.newest(f, r, p.Account[Key(r)])
			}
		}
	}
	switch r.Form {
	case machine.DataSource:
		if r.Moving {
			p.report(r, unpinned, "is whichever image is the newest when the code is applied", "name an image where builds must be repeatable")
		}
	case machine.Literal:
		if strings.HasPrefix(string(r.ID), "ami-") && len(r.Workloads) > 0 {
			f := p.report(r, noMap, "holds in one region and tells nobody what it is", "use a data source, a public parameter or a map by region")
			if p.Account == nil {
				f.Fix.Message += "; what a literal id is nobody can tell from code, and so no newer one: --aws or --aws-snapshot asks"
			}
		}
	}
}

// eksAL2End is the day of the last EKS image of Amazon Linux 2
// (https://docs.aws.amazon.com/eks/latest/userguide/eks-ami-deprecation-faqs.html).
const eksAL2End = "2025-11-26"

// answered judges what the account knows of an image, and returns whether it was found to be stale.
func (p *pass) answered(r *machine.Reference, a Answer) bool {
	r.Name, r.Owner = cmp.Or(r.Name, a.Name), cmp.Or(r.Owner, a.Owner)
	if isID(r.ID) { // which is of one region alone
		r.Region = cmp.Or(r.Region, a.Region)
	}
	r.CreatedAt, r.DeprecatedAt = a.CreatedAt, a.DeprecatedAt
	if r.System == (machine.System{}) {
		r.System = machine.SystemOf(a.Name)
	}
	if next := a.next(r); next != "" && next != r.ID {
		r.Replacement = next
	}
	day := p.AsOf.Format(time.DateOnly)
	var f *scanner.Finding
	switch {
	case a.State != "" && a.State != "available":
		f = p.report(r, stale, leads(r, &a)+fmt.Sprintf("is %s: machines that start from it fail", a.State), newer(r, a))
	case a.DeprecatedAt != "" && a.DeprecatedAt <= day:
		f = p.report(r, stale, leads(r, &a)+fmt.Sprintf("is deprecated since %s", a.DeprecatedAt), newer(r, a))
	case a.Newest != "" && a.Newest != r.ID && !r.Moving:
		f = p.report(r, stale, leads(r, &a)+"has a newer image of its series", newer(r, a))
	default:
		return false
	}
	p.newest(f, r, a)
	return true
}

func newer(r *machine.Reference, a Answer) string {
	switch next := a.next(r); {
	case next != "":
		return "name " + string(next)
	case a.NewestName != "":
		return fmt.Sprintf("refer to what leads to %s (%s)", a.NewestName, a.Newest)
	}
	return "name a newer one"
}

func title(name string) string {
	words := strings.Fields(name)
	if len(words) > 1 {
		words = words[:len(words)-1]
	}
	return strings.Join(words, " ")
}

// regions finds ids that stand beside more than one region.
func (p *pass) regions() {
	type place struct {
		region string
		at     inventory.Location
	}
	by := map[inventory.ID][]place{}
	for _, r := range p.Model.Instances { // what is evaluated knows its region for certain
		if id, ok := r.Image.Known(); ok && strings.HasPrefix(id, "ami-") && r.Region() != "" {
			by[inventory.ID(id)] = append(by[inventory.ID(id)], place{r.Region(), r.Image.Location()})
		}
	}
	for _, t := range p.Model.LaunchTemplates {
		if id, ok := t.Image.Known(); ok && strings.HasPrefix(id, "ami-") && t.Region() != "" {
			by[inventory.ID(id)] = append(by[inventory.ID(id)], place{t.Region(), t.Image.Location()})
		}
	}
	for i := range p.References {
		r := &p.References[i]
		var regions []string
		for _, x := range by[r.ID] {
			if !slices.Contains(regions, x.region) {
				regions = append(regions, x.region)
			}
		}
		slices.Sort(regions)
		if len(regions) > 1 && !r.Placeholder {
			p.report(r, sameID, "is used in "+strings.Join(regions, " and "), "look the image up in each region")
		}
	}
}

// packer judges what Packer makes of its image
// (https://developer.hashicorp.com/packer/integrations/hashicorp/amazon/latest/components/builder/ebs).
func (p *pass) packer() {
	for _, r := range p.Resources {
		if !strings.HasPrefix(r.Type, "packer_amazon") || r.Type == "packer_data_amazon-ami" {
			continue
		}
		ref := &machine.Reference{MachineImage: inventory.MachineImage{ID: r.ID, Locations: []inventory.Location{r.Location}}, Text: r.Location}
		for _, published := range [][2]string{{"ami_groups", "the image that it builds"}, {"snapshot_groups", "the snapshots of the image that it builds"}} {
			for _, g := range r.Get(published[0]).Elements() {
				if text, ok := g.Text(); ok && text == "all" {
					ref.Text = g.Location()
					p.report(ref, packerPublic, "publishes "+published[1], "remove "+published[0]+", and share with accounts by their ids")
				}
			}
		}
		encrypted := r.Get("encrypt_boot")
		if yes, ok := encrypted.Bool(); ok && !yes {
			ref.Text = encrypted.Location()
			p.report(ref, packerPlain, "builds an image that is not encrypted", "set encrypt_boot to true")
		} else if encrypted.IsNull() && !p.encrypts(r) {
			ref.Text = r.Location
			p.report(ref, packerPlain, "builds an image that is encrypted only where its source or the account's default is", "set encrypt_boot to true")
		}
	}
}

// encrypts reports whether an image is encrypted without encrypt_boot: by its own mapping of disks, or by the default that the
// tree sets.
func (p *pass) encrypts(r *inventory.Resource) bool {
	for _, m := range r.Get("launch_block_device_mappings").Blocks() {
		if yes, ok := m.Get("encrypted").Bool(); yes || !ok && !m.Get("encrypted").IsNull() {
			return true
		}
	}
	return slices.ContainsFunc(p.Model.EncryptionByDefault, func(e *aws.EncryptionByDefault) bool {
		return e.Exists() == inventory.Exists && (e.Enabled.Is(true) || e.Enabled.Absent())
	})
}

// engines are the products of database engines.
var engines = map[string]string{
	"postgres": "amazon-rds-postgresql", "mysql": "amazon-rds-mysql", "mariadb": "amazon-rds-mariadb", "aurora-postgresql": "amazon-aurora-postgresql",
}

// ages judges what else the code declares with a version: databases, runtimes, clusters.
func (p *pass) ages() {
	day := p.AsOf.Format(time.DateOnly)
	for _, s := range p.Model.Stores {
		engine, _ := s.Engine.Known()
		version, ok := s.Version.Known()
		if s.Origin != aws.Declared || !ok || s.Exists() == inventory.NotExists || !s.Cluster.Absent() {
			continue
		}
		product := engines[engine]
		if s.Kind == aws.OpenSearch {
			legacy := s.Resource.Type == "aws_elasticsearch_domain" || s.Resource.Type == "AWS::Elasticsearch::Domain"
			if old, ok := strings.CutPrefix(version, "Elasticsearch_"); ok || legacy && !strings.HasPrefix(version, "OpenSearch_") {
				p.elasticsearch(s, cmp.Or(old, version), day)
				continue
			}
			product, engine, version = "amazon-opensearch", "OpenSearch", strings.TrimPrefix(version, "OpenSearch_")
		}
		if r, successor, ok := p.release(product, version); ok && r.EndOfLife.Passed(day) {
			p.aged(&s.Object, databaseEnd, s.Version.Location(), fmt.Sprintf("runs %s %s, whose standard support ended on %s", engine, version, cmp.Or(r.EndOfLife.Day, "an earlier day")), "upgrade to "+successor)
		}
	}
	for _, f := range p.Model.Functions {
		runtime, ok := f.Runtime.Known()
		if !ok || f.Exists() == inventory.NotExists {
			continue
		}
		if r, _, ok := p.release("aws-lambda", runtime); ok && r.EndOfLife.Passed(day) {
			p.aged(&f.Object, runtimeEnd, f.Runtime.Location(), fmt.Sprintf("runs on %s, which is deprecated since %s", runtime, cmp.Or(r.EndOfLife.Day, "an earlier day")), "move to a supported runtime")
		}
	}
	for _, c := range p.Model.EKSClusters {
		version, ok := c.Version.Known()
		if !ok || c.Exists() == inventory.NotExists {
			continue
		}
		r, successor, ok := p.release("amazon-eks", version)
		if end := p.Kubernetes[version]; end.StandardEnd != "" { // what AWS says of itself counts
			r.EndOfLife, ok = intel.Date{Day: end.StandardEnd, Known: true}, true
			if end.ExtendedEnd != "" && end.ExtendedEnd <= day {
				p.aged(&c.Object, clusterEnd, c.Version.Location(), fmt.Sprintf("runs Kubernetes %s, whose extended support ended on %s: AWS upgrades it by force", version, end.ExtendedEnd), "upgrade step by step to "+cmp.Or(successor, "a supported version"))
				continue
			}
		}
		if ok && r.EndOfLife.Passed(day) {
			p.aged(&c.Object, clusterEnd, c.Version.Location(), fmt.Sprintf("runs Kubernetes %s, whose standard support ended on %s", version, cmp.Or(r.EndOfLife.Day, "an earlier day")), "upgrade step by step to "+successor)
		}
	}
}

// The ends of standard support of Elasticsearch on Amazon OpenSearch Service
// (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/what-is.html#choosing-version).
const (
	elasticsearchEnd  = "2025-11-07" // up to 6.7, and 7.1 to 7.8
	elasticsearchLast = "2027-11-07" // 7.9 and 7.10
)

// elasticsearch judges a domain that still runs Elasticsearch.
func (p *pass) elasticsearch(s *aws.Store, version, day string) {
	major, minor, ok := strings.Cut(version, ".")
	m, err := strconv.Atoi(major)
	n, err2 := strconv.Atoi(minor)
	if !ok || err != nil || err2 != nil {
		return
	}
	end := ""
	switch {
	case m < 6, m == 6 && n < 8, m == 7 && n < 9:
		end = elasticsearchEnd
	case m == 7:
		end = elasticsearchLast
	}
	if end != "" && end < day {
		_, successor, _ := p.release("amazon-opensearch", "1.0")
		p.aged(&s.Object, databaseEnd, s.Version.Location(), fmt.Sprintf("runs Elasticsearch %s, whose standard support ended on %s", version, end), "upgrade step by step to OpenSearch "+successor)
	}
}

func (p *pass) aged(o *aws.Object, rule scanner.Rule, at inventory.Location, message, advice string) {
	if at.IsZero() {
		at = o.Location()
	}
	p.out.Findings = append(p.out.Findings, scanner.Finding{
		RuleID: rule.ID, Kind: scanner.KindEndOfLife, Severity: rule.Severity, Pillar: scanner.PillarVulnerability,
		Message: fmt.Sprintf("%s %s; %s", o.Address(), message, advice), Subject: o.Address(), Location: at, Fix: &scanner.Fix{Message: advice},
		FingerprintKey: []string{rule.ID, string(o.Address()), at.Path}, Exposure: scanner.Exposure{Workloads: []inventory.ID{o.Address()}},
	})
}
