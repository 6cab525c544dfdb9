package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	lookup "github.com/trifecta-scanner/trifecta/internal/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/ami"
)

// The codes of notices about what an account was asked.
const (
	awsNotAsked    = "aws-not-asked"
	awsUnknown     = "aws-image-unknown"
	awsNotAnswered = "aws-snapshot-incomplete"
	awsNotTold     = "aws-machine-unknown"
)

// account is what is asked of AWS for one scan: the account itself with --aws, or what it once answered. The first tree
// asks; a base or a changed tree is judged by the same answers, so that no difference between two trees is one of time.
type account struct {
	live     bool   // --aws
	file     string // --aws-snapshot: written with live, read without
	strange  bool   // the tree is what somebody else proposes
	getenv   func(string) string
	snapshot *lookup.Snapshot
	fallback []string // regions for what the code names none for
	asked    bool
}

// account returns what the flags ask for; nil where they ask nothing.
func (a *app) account(opts *scanOptions) (*account, error) {
	if !opts.aws && opts.awsSnapshot == "" {
		return nil, nil //nolint:nilnil // nothing is asked, which is no mistake
	}
	if opts.aws && opts.offline {
		return nil, usage("--aws-snapshot FILE judges by what AWS answered earlier", "--aws can't be used with --offline")
	}
	c := &account{live: opts.aws, file: opts.awsSnapshot, strange: opts.proposal || opts.memoryReadOnly, getenv: a.getenv}
	if c.live {
		return c, nil
	}
	var err error
	if c.snapshot, err = lookup.ReadSnapshot(c.file); err != nil {
		return nil, usage("trifecta scan --aws --aws-snapshot FILE writes one", "--aws-snapshot: %w", err)
	}
	for _, r := range c.snapshot.Regions {
		c.fallback = append(c.fallback, r.Name)
	}
	return c, nil
}

// hasAnswers reports whether AWS has answered, now or earlier.
func (c *account) hasAnswers() bool { return c != nil && c.snapshot != nil }

// facts are what AWS knows of a tree.
type facts struct {
	images     map[inventory.ID]ami.Answer // by ami.Key
	patches    []ami.Patches
	kubernetes map[string]ami.Support // by version
}

// evidence is what AWS knows of the patches of declared machines, in one sentence for each.
func (f *facts) evidence() map[inventory.ID]string {
	said := map[inventory.ID]string{}
	for i := range f.patches {
		for _, id := range f.patches[i].Addresses {
			if said[id] != "" {
				said[id] += "; "
			}
			said[id] += f.patches[i].Evidence()
		}
	}
	return said
}

// look returns what AWS knows of a tree, and what it could not be asked. An error is that of a file.
func (c *account) look(ctx context.Context, w *world) (facts, []inventory.Notice, error) {
	if c == nil {
		return facts{}, nil, nil
	}
	first := !c.asked
	c.asked = true
	regions := regionsOf(w)
	fleets := machine.Fleets(w.cloud)
	if c.live && first {
		if c.strange {
			return facts{}, []inventory.Notice{{Code: awsNotAsked, Message: "AWS is not asked about a tree that somebody proposes or that comes from a fork; --aws is for trees that you trust"}}, nil
		}
		if reason, err := c.ask(ctx, w, fleets, regions); err != nil || reason != "" {
			return facts{}, []inventory.Notice{{Code: awsNotAsked, Message: "AWS was not asked: " + reason}}, err
		}
	}
	if c.snapshot == nil {
		return facts{}, nil, nil
	}
	if len(regions) == 0 {
		regions = c.fallback
	}
	j := &answers{snapshot: c.snapshot, facts: facts{images: map[inventory.ID]ami.Answer{}, kubernetes: map[string]ami.Support{}}}
	for i := range w.machines {
		j.reference(&w.machines[i], regions)
	}
	for i := range fleets {
		j.fleet(&fleets[i], regions)
	}
	j.clusters(w, regions)
	j.untold()
	j.refusals()
	if !first { // they were said of the first tree
		j.notices = nil
	}
	return j.facts, j.notices, nil
}

// ask asks the account and keeps the snapshot. reason says why it could not be asked.
func (c *account) ask(ctx context.Context, w *world, fleets []machine.Fleet, regions []string) (reason string, err error) {
	client, err := lookup.Open(ctx, lookup.Options{Getenv: c.getenv, Now: time.Now})
	if err != nil {
		return err.Error(), nil //nolint:nilerr // an account that can't be asked is a notice of the scan, not its end
	}
	if client.Region() != "" {
		c.fallback = []string{client.Region()}
	}
	if len(regions) == 0 {
		regions = c.fallback
	}
	q := question(w, fleets, regions)
	if len(q) == 0 && len(regions) == 0 && len(question(w, fleets, []string{"any"})) > 0 {
		return "the code names no region, and neither does AWS_REGION", nil
	}
	if c.snapshot, err = client.Ask(ctx, q); err != nil {
		return "", &exitError{code: exitUnable, err: err}
	}
	// What an image is its name tells, and so where the same image of a later release is to be found.
	if q = c.successors(w); len(q) > 0 {
		more, err := client.Ask(ctx, q)
		if err != nil {
			return "", &exitError{code: exitUnable, err: err}
		}
		c.snapshot.Add(more)
	}
	if c.file == "" {
		return "", nil
	}
	if err := lookup.WriteSnapshot(c.file, c.snapshot); err != nil {
		return "", &exitError{code: exitUnable, err: fmt.Errorf("--aws-snapshot: %w", err)}
	}
	return "", nil
}

// successors is what is asked about later releases of the images whose ids the code names.
func (c *account) successors(w *world) lookup.Question {
	q := lookup.Question{}
	for i := range w.machines {
		if askable(&w.machines[i]) != 'i' {
			continue
		}
		for k := range c.snapshot.Regions {
			region := &c.snapshot.Regions[k]
			image := region.Image(string(w.machines[i].ID))
			if image == nil {
				continue
			}
			for _, path := range machine.Successors(image.Name) {
				if q[region.Name] == nil {
					q[region.Name] = &lookup.Wanted{}
				}
				if wanted := q[region.Name]; region.Parameter(path) == nil && !slices.Contains(wanted.Parameters, path) {
					wanted.Parameters = append(wanted.Parameters, path)
				}
			}
		}
	}
	return q
}

// question is what is asked about a tree. What names no region is asked in all of those given.
func question(w *world, fleets []machine.Fleet, regions []string) lookup.Question {
	q := lookup.Question{}
	in := func(region string) []*lookup.Wanted {
		asked := regions
		if region != "" {
			asked = []string{region}
		}
		list := make([]*lookup.Wanted, 0, len(asked))
		for _, name := range asked {
			if q[name] == nil {
				q[name] = &lookup.Wanted{}
			}
			list = append(list, q[name])
		}
		return list
	}
	for i := range w.machines {
		r := &w.machines[i]
		switch askable(r) {
		case 'i':
			for _, wanted := range in(r.Region) {
				wanted.Images = append(wanted.Images, string(r.ID))
				if r.InMap && len(r.Workloads) == 0 {
					wanted.Listed = append(wanted.Listed, string(r.ID))
				}
			}
		case 'p':
			for _, wanted := range in(r.Region) {
				wanted.Parameters = append(wanted.Parameters, string(r.ID))
			}
		}
		for _, s := range r.Searches {
			if s.Unknown == "" {
				for _, wanted := range in(s.Region) {
					wanted.Searches = append(wanted.Searches, searchOf(s))
				}
			}
		}
		for _, release := range r.Releases {
			if release.Unknown == "" {
				for _, wanted := range in(release.Region) {
					wanted.Parameters = append(wanted.Parameters, release.Parameter)
				}
			}
		}
	}
	for i := range fleets {
		f := &fleets[i]
		switch {
		case len(f.Filters) > 0:
			for _, wanted := range in(f.Region) {
				wanted.Machines = append(wanted.Machines, lookup.Machines{Filters: filtersOf(f.Filters)})
			}
		case f.Group != "":
			for _, wanted := range in(f.Region) {
				wanted.Groups = append(wanted.Groups, f.Group)
			}
		}
	}
	for _, c := range w.cloud.EKSClusters {
		if version, ok := c.Version.Known(); ok && c.Exists() != inventory.NotExists {
			for _, wanted := range in(c.Region()) {
				wanted.Kubernetes = append(wanted.Kubernetes, version)
			}
		}
	}
	// An image that one place starts from is not only listed, although another place lists it.
	for _, wanted := range q {
		used := map[string]int{}
		for _, id := range wanted.Images {
			used[id]++
		}
		for _, id := range wanted.Listed {
			used[id]--
		}
		wanted.Listed = slices.DeleteFunc(wanted.Listed, func(id string) bool { return used[id] > 0 })
	}
	return q
}

// searchOf and filtersOf turn what is declared into what is asked.
func searchOf(s machine.Search) lookup.Search {
	return lookup.Search{Owners: s.Owners, Executable: s.Executable, Filters: filtersOf(s.Filters), NameRegex: s.NameRegex, Deprecated: s.Deprecated}
}

func filtersOf(filters []machine.Filter) []lookup.Filter {
	list := make([]lookup.Filter, 0, len(filters))
	for _, f := range filters {
		list = append(list, lookup.Filter{Name: f.Name, Values: f.Values})
	}
	return list
}

// askable says what a reference is to AWS: 'i' an image's id, 'p' a public parameter, 0 neither.
func askable(r *machine.Reference) byte {
	switch {
	case r.Placeholder:
		return 0
	case strings.HasPrefix(string(r.ID), "ami-"):
		return 'i'
	case r.Form == machine.Parameter:
		return 'p'
	}
	return 0
}

// in returns the regions in which something is looked up: its own, else all that the code uses.
func in(region string, regions []string) []string {
	if region != "" {
		return []string{region}
	}
	return regions
}

// regionsOf returns the regions that a tree uses, sorted.
func regionsOf(w *world) []string {
	var regions []string
	for _, r := range w.resources {
		if r.Region != "" && isAWS(r) { // other clouds have regions too, some of which look like those of AWS
			regions = append(regions, r.Region)
		}
	}
	for i := range w.machines {
		if r := w.machines[i].Region; r != "" && !w.machines[i].InMap { // a map names all regions that there are
			regions = append(regions, r)
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// isAWS reports whether a resource is one of AWS: aws_instance, data.aws_ami, awscc_..., AWS::EC2::Instance, a source of Packer.
func isAWS(r *inventory.Resource) bool {
	kind := strings.TrimPrefix(r.Type, "data.")
	return strings.HasPrefix(kind, "aws_") || strings.HasPrefix(kind, "awscc_") || strings.HasPrefix(kind, "AWS::") || strings.HasPrefix(kind, "packer_")
}

// answers turns a snapshot into what the rules judge.
type answers struct {
	facts
	snapshot *lookup.Snapshot
	notices  []inventory.Notice
	unsaid   int
	why      map[string][]inventory.ID // what declares machines that AWS's can't be told of, by reason
}

// maxUnknown bounds the notices about single images; old maps of ids have hundreds that are gone.
const maxUnknown = 50

// reference finds the answers about a reference: about itself, what it leads to, or what it searches for.
func (j *answers) reference(r *machine.Reference, regions []string) {
	var all []ami.Answer
	if kind := askable(r); kind != 0 {
		all = j.named(r, kind, regions)
	}
	for i := range r.Searches {
		all = append(all, j.searched(r, &r.Searches[i], regions)...)
	}
	for i := range r.Releases {
		all = append(all, j.released(r, &r.Releases[i], regions)...)
	}
	if len(all) == 0 {
		return
	}
	// The one that is worst comes first: what can't be started, what is deprecated, what is not the newest, what is oldest.
	slices.SortStableFunc(all, func(a, b ami.Answer) int {
		return cmp.Or(
			worse(a.State != "" && a.State != "available", b.State != "" && b.State != "available"), worse(a.DeprecatedAt != "", b.DeprecatedAt != ""),
			worse(a.Newest != "", b.Newest != ""), strings.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.Region, b.Region),
		)
	})
	all = slices.CompactFunc(all, func(a, b ami.Answer) bool { return a.Region == b.Region && a.Image == b.Image })
	first := all[0]
	first.Others = all[1:]
	j.images[ami.Key(r)] = first
}

func worse(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// named returns what is known of an id, or of what a parameter leads to. An id is one image in one region.
func (j *answers) named(r *machine.Reference, kind byte, regions []string) []ami.Answer {
	var all []ami.Answer
	var absent, missing []string
	for _, name := range in(r.Region, regions) {
		region := j.snapshot.Region(name)
		id := string(r.ID)
		if region == nil {
			missing = append(missing, name)
			continue
		}
		if kind == 'p' {
			p := region.Parameter(id)
			switch {
			case p != nil && p.Exists && p.Image == "":
				return nil // it names no image, such as the release of one
			case p != nil && !p.Exists:
				absent = append(absent, name)
				continue
			case p != nil:
				id = p.Image
			}
		}
		if image := region.Image(id); image != nil {
			answer := answerOf(image, name)
			if kind == 'p' && r.Moving {
				answer.Newest, answer.NewestName = "", "" // the path leads on by itself
			}
			if kind == 'i' {
				answer.Successors = successorsOf(region, image)
				return append(all, answer)
			}
			all = append(all, answer)
			continue
		}
		switch {
		case slices.Contains(region.Absent, id):
			absent = append(absent, name)
		case len(region.Refused) == 0:
			missing = append(missing, name)
		}
	}
	if len(all) > 0 && kind == 'p' {
		absent = nil // such parameters are not in every region
	}
	if len(absent) > 0 {
		why := "it is deregistered, of another region, or not shared with the account that was asked"
		if kind == 'p' {
			why = "it is withdrawn, of another region, or completed when the code runs"
		}
		j.unknown(awsUnknown, r.Locations, fmt.Sprintf("%s is not known in %s: %s", r.ID, strings.Join(absent, ", "), why))
	}
	j.incomplete(r, string(r.ID), missing)
	return all
}

// successorsOf returns the same image of later releases, by release, as far as the region knows it.
func successorsOf(region *lookup.Region, image *lookup.Image) map[string]inventory.ID {
	all := map[string]inventory.ID{}
	for cycle, path := range machine.Successors(image.Name) {
		if p := region.Parameter(path); p != nil && p.Image != "" {
			all[cycle] = inventory.ID(p.Image)
		}
	}
	return all
}

// answerOf is what is known of an image. The newest of its series is left out where it is the image itself.
func answerOf(image *lookup.Image, region string) ami.Answer {
	a := ami.Answer{
		Name: image.Name, Owner: image.Owner, CreatedAt: image.CreatedAt, DeprecatedAt: image.DeprecatedAt, State: image.State, Series: lookup.Series(image.Name),
		Image: inventory.ID(image.ID), Region: region,
	}
	if image.Newest != image.ID {
		a.Newest, a.NewestName = inventory.ID(image.Newest), image.NewestName
	}
	for _, f := range image.Findings {
		v := ami.Vulnerability{ID: f.ID, Severity: severities[f.Severity], Fixable: f.Fixable, Exploit: f.Exploit, Vectors: f.Vectors}
		if v.Severity == "" {
			v.Severity = scanner.Unknown
		}
		for _, p := range f.Packages {
			v.Packages = append(v.Packages, ami.Package{Name: p.Name, Version: p.Version, Fixed: p.Fixed})
		}
		a.Findings = append(a.Findings, v)
	}
	return a
}

// severities are ours by Inspector's words for them.
var severities = map[string]scanner.Severity{
	"critical": scanner.Critical, "high": scanner.High, "medium": scanner.Medium, "low": scanner.Low, "informational": scanner.Info,
}

// searched returns what a search finds in each region.
func (j *answers) searched(r *machine.Reference, s *machine.Search, regions []string) []ami.Answer {
	at := []inventory.Location{s.At}
	if s.Unknown != "" {
		j.unknown(awsNotAsked, at, fmt.Sprintf("what %s finds was not asked: the code does not give %s", s.Source, s.Unknown))
		return nil
	}
	var all []ami.Answer
	var none, missing []string
	for _, name := range in(s.Region, regions) {
		region := j.snapshot.Region(name)
		if region == nil {
			missing = append(missing, name)
			continue
		}
		found := region.Search(searchOf(*s))
		switch {
		case found == nil && len(region.Refused) == 0:
			missing = append(missing, name)
		case found == nil:
		case found.Count == 0:
			none = append(none, name)
		case found.Count > 1 && !s.MostRecent:
			j.unknown(awsUnknown, at, fmt.Sprintf("%s finds %d images in %s and does not say which of them: set most_recent, or search more narrowly", s.Source, found.Count, name))
		default:
			if image := region.Image(found.Image); image != nil {
				answer := answerOf(image, name)
				if r.Moving {
					answer.Newest, answer.NewestName = "", "" // it finds the next one by itself
				}
				all = append(all, answer)
			}
		}
	}
	if len(none) > 0 {
		j.unknown(awsUnknown, at, fmt.Sprintf("%s finds no image in %s: none has such a name and owner today, or it is deprecated", s.Source, strings.Join(none, ", ")))
	}
	j.incomplete(r, "the search of "+string(s.Source), missing)
	return all
}

// released returns the newest release of what a node group is pinned to.
func (j *answers) released(r *machine.Reference, release *machine.Release, regions []string) []ami.Answer {
	if release.Unknown != "" {
		j.unknown(awsNotAsked, r.Locations, fmt.Sprintf("the newest release for %s was not asked: the code does not give %s", release.Workload, release.Unknown))
		return nil
	}
	var all []ami.Answer
	var absent, missing []string
	for _, name := range in(release.Region, regions) {
		region := j.snapshot.Region(name)
		if region == nil {
			missing = append(missing, name)
			continue
		}
		switch p := region.Parameter(release.Parameter); {
		case p == nil && len(region.Refused) == 0:
			missing = append(missing, name)
		case p == nil:
		case !p.Exists:
			absent = append(absent, name)
		case p.Release != "":
			if newest := release.Write(p.Release); newest != "" && newest != string(r.ID) {
				all = append(all, ami.Answer{Newest: inventory.ID(newest), Image: r.ID, Region: name, Series: cmp.Or(r.Name, strings.TrimSuffix(release.Alias, "v"))})
			}
		}
	}
	if len(absent) > 0 {
		j.unknown(awsUnknown, r.Locations, fmt.Sprintf("%s is not known in %s: EKS does not publish images of that family for that version of Kubernetes any more, or not there", release.Parameter, strings.Join(absent, ", ")))
	}
	j.incomplete(r, release.Parameter, missing)
	return all
}

// incomplete says what a snapshot has nothing about.
func (j *answers) incomplete(r *machine.Reference, what string, missing []string) {
	if len(missing) > 0 {
		j.unknown(awsNotAnswered, r.Locations, fmt.Sprintf("the answers of AWS have nothing about %s in %s; ask anew with --aws", what, strings.Join(missing, ", ")))
	}
}

// fleet finds the state of the patches of declared machines. It is never guessed whose they are.
func (j *answers) fleet(f *machine.Fleet, regions []string) {
	if f.Unknown != "" && f.Group == "" {
		j.cannotTell(f, f.Unknown)
		return
	}
	running := 0
	var states []ami.Patches
	for _, name := range in(f.Region, regions) {
		region := j.snapshot.Region(name)
		if region == nil {
			j.cannotTell(f, "the answers of AWS have nothing about "+name+"; ask anew with --aws")
			continue
		}
		var p *lookup.Patching
		if len(f.Filters) > 0 {
			p = region.Patching(lookup.Machines{Filters: filtersOf(f.Filters)})
		} else {
			p = region.Group(f.Group)
		}
		if p == nil {
			if len(region.Refused) == 0 {
				j.cannotTell(f, "the answers of AWS have nothing about it; ask anew with --aws")
			}
			continue
		}
		running += p.Machines
		states = append(states, ami.Patches{
			Addresses: f.Addresses, At: f.At, Region: name, Group: p.Group, Registered: p.Registered, Machines: p.Machines, Reporting: p.Reporting, Behind: p.Behind,
			Missing: p.Missing, Failed: p.Failed, Reboot: p.Reboot, Critical: p.Critical, Security: p.Security, Installs: p.Installs, Since: p.Since,
		})
	}
	if f.Exactly > 0 && running > f.Exactly {
		j.cannotTell(f, "AWS runs more machines with its tags than the code declares")
		return
	}
	j.patches = append(j.patches, states...)
}

func (j *answers) cannotTell(f *machine.Fleet, why string) {
	if j.why == nil {
		j.why = map[string][]inventory.ID{}
	}
	j.why[why] = append(j.why[why], f.Addresses...)
}

// untold says of which declared machines the state of the patches was not looked at, once for each reason.
func (j *answers) untold() {
	for _, why := range slices.Sorted(maps.Keys(j.why)) {
		ids := j.why[why]
		slices.Sort(ids)
		ids = slices.Compact(ids) // roots can have the same addresses
		names := make([]string, 0, 3)
		for _, id := range ids[:min(len(ids), 3)] {
			names = append(names, string(id))
		}
		who := strings.Join(names, ", ")
		if more := len(ids) - len(names); more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		j.notices = append(j.notices, inventory.Notice{Code: awsNotTold, Message: fmt.Sprintf("the patches of %s were not looked at: %s", who, why)})
	}
}

// clusters finds how long EKS supports the versions of the declared clusters.
func (j *answers) clusters(w *world, regions []string) {
	for _, c := range w.cloud.EKSClusters {
		version, ok := c.Version.Known()
		if !ok || c.Exists() == inventory.NotExists {
			continue
		}
		for _, name := range in(c.Region(), regions) {
			if region := j.snapshot.Region(name); region != nil {
				if v := region.Version(version); v != nil {
					j.kubernetes[version] = ami.Support{StandardEnd: v.StandardEnd, ExtendedEnd: v.ExtendedEnd}
				}
			}
		}
	}
}

func (j *answers) unknown(code string, at []inventory.Location, message string) {
	if len(j.notices) >= maxUnknown {
		j.unsaid++
		return
	}
	n := inventory.Notice{Code: code, Message: message}
	if len(at) > 0 && !at[0].IsZero() {
		n.Location = &at[0]
	}
	j.notices = append(j.notices, n)
}

// refusals says which regions did not answer what, and how much was left unsaid.
func (j *answers) refusals() {
	if j.unsaid > 0 {
		j.notices = append(j.notices, inventory.Notice{Code: awsUnknown, Message: fmt.Sprintf("%d more machine images are not known to AWS", j.unsaid)})
	}
	by := map[lookup.Refusal][]string{}
	var order []lookup.Refusal
	for _, region := range j.snapshot.Regions {
		for _, refusal := range region.Refused {
			if by[refusal] == nil {
				order = append(order, refusal)
			}
			by[refusal] = append(by[refusal], region.Name)
		}
	}
	for _, refusal := range order {
		where := strings.Join(by[refusal], ", ")
		message := fmt.Sprintf("AWS did not answer %s in %s: %s", cmp.Or(refusal.Operation, "anything"), where, refusal.Code)
		switch {
		case refusal.Code == lookup.NoRegion:
			message = fmt.Sprintf("AWS was not asked about %q, which is no region", where)
		case refusal.Code == lookup.TooMuch:
			message = fmt.Sprintf("AWS was not asked %s about everything in %s, because there is too much", cmp.Or(refusal.Operation, "anything"), where)
		case refusal.Code == lookup.Unread:
			message = fmt.Sprintf("a part of what AWS answers to %s in %s names no vulnerability", refusal.Operation, where)
		case refusal.Code == lookup.Failed:
			message = fmt.Sprintf("AWS did not answer %s in %s: no connection, or no answer that can be read", refusal.Operation, where)
		case strings.Contains(refusal.Code, "Unauthorized") || strings.Contains(refusal.Code, "AccessDenied"):
			message += "; allow it to the role of the scan"
		}
		j.notices = append(j.notices, inventory.Notice{Code: awsNotAsked, Message: message})
	}
}

// awsFiles are the variables that name files with credentials, or settings of them.
var awsFiles = []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}

// account gives the process what leads to an account, where --aws asks for one and the tree is nobody's proposal. Otherwise the
// process is told to ask none: a runner can have a role of its own, which needs no variable.
func (p *scanProcess) account(opts *scanOptions, trusted bool) {
	switch {
	case !opts.aws:
	case trusted:
		var files []string
		p.more, files = awsEnvironment(p.environ)
		p.policy.Read = append(p.policy.Read, files...)
		if p.answers = opts.awsSnapshot; p.answers == "" { // for the process that plans fixes, which asks nothing
			p.answers = filepath.Join(p.temp, "aws.json")
			p.args = slices.Insert(p.args, 1, "--aws-snapshot="+p.answers)
		}
	case !slices.Contains(p.args, "--proposal") && !opts.memoryReadOnly:
		p.args = slices.Insert(p.args, 1, "--aws=false")
		p.args = slices.DeleteFunc(p.args, func(arg string) bool { return arg == "--aws=true" })
	}
}

// awsEnvironment returns the variables of an environment that lead to an account, and the files that these name. They are for
// the scan of a tree that is nobody's proposal, where --aws asks for it.
func awsEnvironment(environ []string) (variables, files []string) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"):
			variables = append(variables, variable)
			if slices.Contains(awsFiles, name) && value != "" {
				files = append(files, value)
			}
		case name == "HOME" && value != "":
			files = append(files, filepath.Join(value, ".aws"))
		}
	}
	return variables, files
}
