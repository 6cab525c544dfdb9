// Package machine finds the machine images (AMIs) that a tree refers to, in every form in which code names one: literal ids
// and maps of them by region, aws_ami data sources, public parameters of Systems Manager, families of EKS, eksctl, kops and
// Karpenter, sources of Packer templates. It says which workloads start from each and which system it carries, as far as
// names tell. It judges nothing; that is scanner/ami.
//
// Ids that stand in text are found in text, so that a map of twenty regions has twenty references although one is used;
// what values lead to is read from the typed model.
//
// # Limitations
//
// What a literal id is can only be told by the account (see --aws). An image that a template of the tree builds is known by
// the name that the template gives it.
package machine

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// The forms of a reference, as results name them.
const (
	Literal    = "literal"
	DataSource = "data-source"
	Parameter  = "ssm-parameter"
	Mapping    = "mapping"
	Packer     = "packer"
	Family     = "family"
	Opened     = "opened" // no reference: an image whose content was read
)

// Reference is one machine image in one form, with what its names tell.
type Reference struct {
	inventory.MachineImage
	System System
	// Built is the day in the image's name, as 2006-01-02; empty where it has none.
	Built string
	// Moving says that the reference leads to a newer image by itself: most_recent, a parameter that is kept up to date, an
	// alias without a version.
	Moving bool
	// Unowned says that a search for images names no owner, so that a stranger's image can be found
	// (https://securitylabs.datadoghq.com/articles/whoami-a-cloud-image-name-confusion-attack/).
	Unowned bool
	// Placeholder says that it is no image but stands for one: ami-12345678, ami-custom.
	Placeholder bool
	// InMap says that the id stands beside a region.
	InMap bool
	// Regexp says that the name is a regular expression.
	Regexp bool
	// Text is where the name is written first, of an id where the first workload takes it from.
	Text inventory.Location
	// Places are all the places where the name is written.
	Places []inventory.Location
	// Elsewhere are places that give the name without having it: it is put together of other values there, or comes from outside of
	// the tree.
	Elsewhere []inventory.Location
	// Searches are how it is searched for, each once for each source and region; none where it is named.
	Searches []Search
	// Releases are the node groups that are pinned to it, where it is a release of an EKS image.
	Releases []Release
	// atUse says that Text is where a workload takes it from.
	atUse bool
	// sources are the addresses of the data sources and Packer sources that search for it.
	sources []inventory.ID
}

// Source is the address of the data source, or of the Packer source, that searches for the image; empty where none does.
func (r *Reference) Source() inventory.ID {
	if len(r.sources) == 0 {
		return ""
	}
	return r.sources[0]
}

// maxText bounds the files that are searched for ids; templates of AWS end at 1 MB.
const maxText = 8 << 20

var (
	literalID = lazy.Regexp(`\bami-[0-9a-z]+\b`)
	realID    = lazy.Regexp(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
	parameter = lazy.Regexp(`/aws/service/[A-Za-z0-9_./-]+[A-Za-z0-9]`)
	// unfinished is what follows a piece of a path: an interpolation of Terraform, CloudFormation, Packer or printf.
	unfinished = lazy.Regexp(`^[A-Za-z0-9_./-]*(?:\$\{|%[{sdv]|\{\{)`)
	region     = lazy.Regexp(`\b(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso-)?(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d\b`)
)

// searched are the endings of files in which ids and parameters are looked for.
var searched = []string{".tf", ".tf.json", ".tofu", ".tfvars", ".tfvars.json", ".hcl", ".yaml", ".yml", ".json", ".template"}

// lockFiles hold digests and addresses that look like ids and are none.
var lockFiles = []string{"package-lock.json", "pnpm-lock.yaml", "composer.lock", "bun.lock"}

func isSearched(file *inventory.File) bool {
	ends := slices.ContainsFunc(searched, func(end string) bool { return strings.HasSuffix(file.Path, end) })
	return ends && !file.Vendored && file.Size <= maxText && !slices.Contains(lockFiles, file.Base())
}

// Find returns the references of a tree, in order of their ids.
func Find(tree *inventory.Tree, cloud *aws.Model, cluster *kube.Model, resources []*inventory.Resource) []Reference {
	f := &finder{at: map[key]int{}}
	for _, file := range tree.Files() {
		if !isSearched(&file) {
			continue
		}
		if data, err := tree.ReadFile(file.Path); err == nil {
			f.text(file.Path, data)
		}
	}
	for _, r := range resources {
		f.resource(r)
	}
	for _, o := range cluster.Others {
		f.object(o)
	}
	f.uses(cloud)
	f.releases(cloud)
	f.aliases(cloud)
	f.settle(tree)
	f.found = slices.DeleteFunc(f.found, func(r Reference) bool { return r.Form == Literal && len(r.Locations) == 0 })
	for i := range f.found {
		r := &f.found[i]
		slices.SortFunc(r.Locations, inventory.Location.Compare)
		r.Locations = slices.Compact(r.Locations)
		slices.SortFunc(r.Places, inventory.Location.Compare)
		r.Places = slices.Compact(r.Places)
		slices.Sort(r.sources)
		r.sources = slices.Compact(r.sources)
		slices.Sort(r.Workloads)
		r.Workloads = slices.Compact(r.Workloads)
	}
	slices.SortFunc(f.found, func(a, b Reference) int {
		return cmp.Or(strings.Compare(string(a.ID), string(b.ID)), strings.Compare(a.Form, b.Form), strings.Compare(a.Region, b.Region))
	})
	return f.found
}

// settle finds the places of names whose value stands elsewhere, such as in the default of a variable: a place where the name is
// not written is replaced by the one in the files of its folder where it is, and dropped where there is none or more than one.
func (f *finder) settle(tree *inventory.Tree) {
	lines := map[string][]string{}
	read := func(name string) []string {
		all, ok := lines[name]
		if !ok {
			if data, err := tree.ReadFile(name); err == nil {
				all = strings.Split(string(data), "\n")
			}
			lines[name] = all
		}
		return all
	}
	var folders map[string][]string
	for i := range f.found {
		r := &f.found[i]
		text := string(r.ID)
		var kept []inventory.Location
		for _, at := range r.Places {
			all := read(at.Path)
			if at.Line > 0 && at.Line <= len(all) && strings.Contains(all[at.Line-1], text) {
				kept = append(kept, at)
				continue
			}
			if strings.HasPrefix(text, "ami-") { // found in the text
				continue
			}
			if folders == nil {
				folders = map[string][]string{}
				for _, file := range tree.Files() {
					if isSearched(&file) {
						folders[path.Dir(file.Path)] = append(folders[path.Dir(file.Path)], file.Path)
					}
				}
			}
			var places []inventory.Location
			for _, name := range folders[path.Dir(at.Path)] {
				for n, line := range read(name) {
					if k := strings.Index(line, `"`+text+`"`); k >= 0 {
						places = append(places, inventory.Location{Path: name, Line: n + 1, Column: k + 2, EndLine: n + 1, EndColumn: k + 2 + len(text)})
					}
				}
			}
			if len(places) == 1 {
				kept = append(kept, places...)
			} else {
				r.Elsewhere = append(r.Elsewhere, at)
			}
		}
		r.Places = kept
	}
}

type key struct {
	id   inventory.ID
	form string
}

type finder struct {
	found []Reference
	at    map[key]int
}

// add returns the reference of an id in a form, made anew where it is the first.
func (f *finder) add(id inventory.ID, form string, at inventory.Location) *Reference {
	k := key{id, form}
	i, ok := f.at[k]
	if !ok {
		i = len(f.found)
		f.at[k] = i
		f.found = append(f.found, Reference{MachineImage: inventory.MachineImage{ID: id, Form: form}, Text: at})
	}
	r := &f.found[i]
	around := func(l inventory.Location) bool { // the text of the value was found already
		return l.Path == at.Path && l.Line == at.Line && l.Column >= at.Column && (at.EndColumn == 0 || l.EndColumn <= at.EndColumn)
	}
	if !at.IsZero() && !slices.ContainsFunc(r.Places, around) {
		r.Locations = append(r.Locations, at)
		r.Places = append(r.Places, at)
	}
	return r
}

// text finds literal ids and parameters in a file.
func (f *finder) text(name string, data []byte) {
	if !bytes.Contains(data, []byte("ami-")) && !bytes.Contains(data, []byte("/aws/service/")) {
		return
	}
	var before []string
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := string(line)
		written := text
		if comment := strings.TrimLeft(text, " \t"); strings.HasPrefix(comment, "#") || strings.HasPrefix(comment, "//") {
			written = "" // what a comment names is not used
		}
		for _, m := range literalID().FindAllStringIndex(written, -1) {
			id := written[m[0]:m[1]]
			if len(id) < len("ami-") || partOfWord(written, m[0], m[1]) {
				continue
			}
			at := inventory.Location{Path: name, Line: number, Column: m[0] + 1, EndLine: number, EndColumn: m[1] + 1}
			holds := placeholder(id)
			if !realID().MatchString(id) && !holds {
				continue
			}
			near := regionNear(written[:m[0]], before)
			form := Literal
			if near != "" {
				form = Mapping
			}
			r := f.add(inventory.ID(id), form, at)
			r.Placeholder, r.InMap = holds, near != ""
			r.Region = cmp.Or(r.Region, near)
		}
		for _, m := range parameter().FindAllStringIndex(written, -1) {
			if unfinished().MatchString(written[m[1]:]) {
				continue // a piece of a path, which is read where it is evaluated
			}
			f.parameter(written[m[0]:m[1]], inventory.Location{Path: name, Line: number, Column: m[0] + 1, EndLine: number, EndColumn: m[1] + 1})
		}
		before = append(before, text)
		if len(before) > 40 {
			before = before[1:]
		}
	}
}

// parameter adds a public parameter that leads to images; nil where it leads to something else.
func (f *finder) parameter(id string, at inventory.Location) *Reference {
	if !strings.Contains(id, "ami") && !strings.Contains(id, "image") && !strings.Contains(id, "bottlerocket") && !strings.HasPrefix(id, "/aws/service/debian/") {
		return nil
	}
	r := f.add(inventory.ID(id), Parameter, at)
	r.Moving, r.System, r.Built = movingParameter(id), SystemOf(id), builtDay(id)
	return r
}

// partOfWord reports whether an id is a piece of something longer, such as a name that begins with ami-.
func partOfWord(text string, from, to int) bool {
	joins := func(c byte) bool { return c == '-' || c == '_' || c == '/' || c == '.' && to < len(text)-1 }
	return from > 0 && joins(text[from-1]) || to < len(text) && joins(text[to])
}

// placeholder reports whether an id stands for one: too short, a word, or digits that a person makes up.
func placeholder(id string) bool {
	digits := strings.TrimPrefix(id, "ami-")
	switch {
	case slices.Contains([]string{"custom", "example", "xxxxxxxx", "12345", "123456", "1234567"}, digits), strings.Trim(digits, "x") == "", strings.Trim(digits, "0") == "":
		return true
	case !realID().MatchString(id):
		return false
	}
	const made = "0123456789abcdef0123456789abcdef0"
	return strings.Contains(made, digits) || strings.Contains("1234567890abcdef01234567890abcdef0", digits) || strings.Count(digits, digits[:1]) == len(digits)
}

// regionNear returns the region that an id belongs to in a map: before it on the line, or the key around it.
func regionNear(line string, before []string) string {
	if all := region().FindAllString(line, -1); len(all) > 0 {
		return all[len(all)-1]
	}
	depth := indent(line)
	for i := len(before) - 1; i >= 0; i-- {
		text := strings.TrimSpace(before[i])
		if text == "" {
			continue
		}
		if d := indent(before[i]); d < depth {
			depth = d
			key := strings.Trim(text, `"'{[:= `)
			if m := region().FindString(key); m != "" && strings.HasPrefix(key, m) {
				return m
			}
			if depth == 0 {
				return ""
			}
		}
	}
	return ""
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// movingParameter reports whether a public parameter leads to newer images: the one with latest, current or recommended in
// its path.
func movingParameter(id string) bool {
	return strings.Contains(id, "latest") || strings.Contains(id, "/current/") || strings.Contains(id, "/recommended/")
}

// resource reads the forms that are resources of their own.
func (f *finder) resource(r *inventory.Resource) {
	switch {
	case strings.HasSuffix(r.Type, "aws_ami") && isData(r):
		f.search(r)
	case strings.HasSuffix(r.Type, "aws_ssm_parameter") && isData(r):
		f.lookup(r)
	case r.Type == "AWS::EKS::Nodegroup" || r.Type == "aws_eks_node_group":
		f.nodeGroup(r)
	case r.Language == inventory.Packer:
		f.packer(r)
	}
}

// isData reports whether a resource of Terraform is a data source.
func isData(r *inventory.Resource) bool {
	address := string(r.ID)
	return strings.HasPrefix(address[max(0, strings.LastIndex(address, "data.")):], "data.")
}

// lookup reads an aws_ssm_parameter data source. What its name is put together of is known only here.
func (f *finder) lookup(r *inventory.Resource) {
	name := r.Get("name")
	text, ok := name.Text()
	switch {
	case ok && parameter().FindString(text) == text:
		if ref := f.parameter(text, name.Location()); ref != nil {
			ref.sources = append(ref.sources, r.ID)
		}
	case name.IsUnknown() && strings.HasPrefix(begin(name), "/aws/service/"):
		ref := f.add(r.ID, Parameter, name.Location())
		ref.Moving = true
		ref.sources = append(ref.sources, r.ID)
	}
}

// begin returns the known text with which a value begins.
func begin(v inventory.Value) string {
	if parts := v.Parts(); len(parts) > 0 {
		text, _ := parts[0].Text()
		return text
	}
	return ""
}

// nodeGroup reads what a managed node group says of its image: the family, and the release that it is pinned to
// (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html).
func (f *finder) nodeGroup(r *inventory.Resource) {
	get := func(names ...string) inventory.Value {
		for _, name := range names {
			if v := r.Get(name); !v.IsNull() {
				return v
			}
		}
		return inventory.Value{}
	}
	kind, _ := get("ami_type", "AmiType").Text()
	f.family(get("ami_type", "AmiType"), r.ID)
	release := get("release_version", "ReleaseVersion")
	if ref := f.release(release, kind, r.ID); ref != nil {
		ref.Region = cmp.Or(ref.Region, r.Region)
	}
}

// release adds the release of an EKS image that a group of nodes is pinned to; nil where it is pinned to none. Its name is the
// family.
func (f *finder) release(v inventory.Value, kind string, workload inventory.ID) *Reference {
	text, ok := v.Text()
	if !ok || text == "" {
		return nil
	}
	ref := f.add(inventory.ID(text), Family, v.Location())
	ref.Name = kind
	ref.System, ref.Built = SystemOf(kind), builtDay(text)
	ref.Workloads = append(ref.Workloads, workload)
	return ref
}

// family adds a family whose newest image is taken.
func (f *finder) family(v inventory.Value, workload inventory.ID) {
	if text, ok := v.Text(); ok && text != "" {
		ref := f.add(inventory.ID(text), Family, v.Location())
		ref.Moving, ref.System = true, SystemOf(text)
		ref.Workloads = append(ref.Workloads, workload)
	}
}

// search reads an aws_ami data source.
func (f *finder) search(r *inventory.Resource) {
	id, at := r.ID, r.Location
	name, system, several := "", System{}, false
	for _, filter := range r.Get("filter").Blocks() {
		key, _ := filter.Get("name").Text()
		for _, v := range filter.Get("values").Elements() {
			if text, ok := v.Text(); ok && (key == "name" || key == "image-id") {
				several = several || name != "" && SystemOf(text) != system
				name, at, system = text, v.Location(), SystemOf(text)
			}
		}
	}
	byRegexp := false
	if text, ok := r.Get("name_regex").Text(); ok && name == "" {
		name, at, byRegexp = text, r.Get("name_regex").Location(), true
	}
	if name != "" {
		id = inventory.ID(name)
	}
	ref := f.add(id, DataSource, inventory.Location{})
	ref.Locations, ref.Places = append(ref.Locations, r.Location), append(ref.Places, at)
	if len(ref.Locations) == 1 {
		ref.Text = at
	}
	ref.Name, ref.Regexp = name, byRegexp
	ref.sources = append(ref.sources, r.ID)
	ref.Searches = append(ref.Searches, searchOf(r, at))
	newest, _ := r.Get("most_recent").Bool()
	ref.Moving = newest && (byRegexp || name == "" || strings.ContainsAny(name, "*?")) // a whole name stays what it is
	owners := r.Get("owners")
	var known []string
	for _, o := range owners.Elements() {
		if text, ok := o.Text(); ok {
			known = append(known, text)
		}
	}
	ref.Owner = strings.Join(known, ",")
	byID := false
	for _, filter := range r.Get("filter").Blocks() {
		key, _ := filter.Get("name").Text()
		byID = byID || key == "owner-id" || key == "owner-alias" || key == "image-id"
	}
	ref.Unowned = owners.IsNull() && !byID
	if !several { // of names of several systems nobody knows which one is found
		ref.System, ref.Built = SystemOf(name), builtDay(name)
	}
	if r.Region != "" {
		ref.Region = r.Region
	}
}

// packer reads a source of a Packer template.
func (f *finder) packer(r *inventory.Resource) {
	v := r.Get("source_ami")
	switch text, ok := v.Text(); {
	case v.IsNull(), ok && text == "": // the filter counts
	case !ok || !strings.HasPrefix(text, "ami-"):
		ref := f.add(r.ID+".source_ami", Packer, v.Location())
		ref.Name = "source_ami"
		ref.sources = append(ref.sources, r.ID)
	default:
		ref := f.add(inventory.ID(text), Packer, inventory.Location{})
		ref.Placeholder = placeholder(text)
		if at, ok := r.Get("region").Text(); ok {
			ref.Region = cmp.Or(ref.Region, at)
		}
		ref.sources = append(ref.sources, r.ID)
		f.take(ref, v.Location().Path)
		if len(ref.Places) == 0 {
			ref.Locations, ref.Places = []inventory.Location{v.Location()}, []inventory.Location{v.Location()}
		}
		ref.Text = ref.Places[0]
	}
	if filter := r.Get("source_ami_filter"); !filter.IsNull() {
		name := filter.Get("filters", "name")
		text, _ := name.Text()
		id := inventory.ID(cmp.Or(text, string(r.ID)+".source_ami_filter"))
		ref := f.add(id, Packer, inventory.Location{})
		ref.Locations = append(ref.Locations, filter.Location())
		ref.Places = append(ref.Places, cmp.Or(name.Location(), filter.Location()))
		if ref.Text.IsZero() {
			ref.Text = ref.Places[0]
		}
		ref.sources = append(ref.sources, r.ID)
		ref.Searches = append(ref.Searches, packerSearch(r, filter, cmp.Or(name.Location(), filter.Location())))
		ref.Name, ref.System, ref.Built = text, SystemOf(text), builtDay(text)
		newest, _ := filter.Get("most_recent").Bool()
		ref.Moving = newest && (text == "" || strings.ContainsAny(text, "*?"))
		ref.Unowned = filter.Get("owners").IsNull() && filter.Get("filters", "owner-id").IsNull() && filter.Get("filters", "owner-alias").IsNull()
	}
}

// take makes the literal ids of a template those of the source that starts from them: its form tells more.
func (f *finder) take(r *Reference, template string) {
	i, ok := f.at[key{r.ID, Literal}]
	if !ok {
		return
	}
	l := &f.found[i]
	there := func(at inventory.Location) bool { return at.Path == template }
	for _, at := range l.Places {
		if there(at) {
			r.Places, r.Locations = append(r.Places, at), append(r.Locations, at)
		}
	}
	l.Locations, l.Places = slices.DeleteFunc(l.Locations, there), slices.DeleteFunc(l.Places, there)
	if len(l.Places) > 0 {
		l.Text = l.Places[0]
	}
}

// object reads what clusters are made of: eksctl, kops, Karpenter.
func (f *finder) object(o *kube.Object) {
	family := func(v inventory.Value) { f.family(v, o.ID()) }
	starts := func(v inventory.Value) { // what was found in the text
		text, ok := v.Text()
		for i := range f.found {
			if r := &f.found[i]; ok && string(r.ID) == text {
				r.Workloads = append(r.Workloads, o.ID())
				if at, _ := o.Get("metadata", "region").Text(); o.Group == "eksctl.io" {
					r.Region = cmp.Or(r.Region, at)
				}
			}
		}
	}
	image := func(v inventory.Value, form string) {
		text, ok := v.Text()
		if !ok || text == "" || strings.HasPrefix(text, "ami-") {
			starts(v)
			return
		}
		if strings.HasPrefix(text, "auto") {
			family(v)
			return
		}
		ref := f.add(inventory.ID(text), form, v.Location())
		ref.Name, ref.System, ref.Built = path.Base(text), SystemOf(text), builtDay(text)
		ref.Moving = strings.HasSuffix(text, "@latest") || strings.Contains(text, "*")
		ref.Owner = owner(text)
		ref.Workloads = append(ref.Workloads, o.ID())
		if ref.Owner != "" {
			_, name, _ := strings.Cut(text, "/")
			ref.Searches = append(ref.Searches, namedSearch(o.ID(), ref.Owner, name, v.Location()))
		}
	}
	switch o.Group + "/" + o.Kind {
	case "eksctl.io/ClusterConfig":
		for _, list := range []string{"nodeGroups", "managedNodeGroups"} {
			for _, g := range o.Get(list).Blocks() {
				family(g.Get("amiFamily"))
				image(g.Get("ami"), Literal)
				amiFamily, _ := g.Get("amiFamily").Text()
				ref := f.release(g.Get("releaseVersion"), amiFamily, o.ID())
				starts(g.Get("releaseVersion"))
				if ref != nil {
					version, _ := o.Get("metadata", "version").Text()
					ref.Releases = append(ref.Releases, pinned(o.ID(), ref.Region, amiFamily, version))
				}
			}
		}
	case "kops.k8s.io/InstanceGroup", "kops/InstanceGroup":
		image(o.Get("spec", "image"), Literal)
	case "karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate":
		family(o.Get("spec", "amiFamily"))
		for _, term := range o.Get("spec", "amiSelectorTerms").Blocks() {
			image(term.Get("alias"), Family)
			image(term.Get("name"), DataSource)
			if name, ok := term.Get("name").Text(); ok && name != "" {
				if i, ok := f.at[key{inventory.ID(name), DataSource}]; ok {
					f.found[i].Searches = append(f.found[i].Searches, selectorSearch(o.ID(), term))
				}
			}
			starts(term.Get("id"))
			starts(term.Get("ssmParameter"))
		}
	}
}

// owner is the account in front of a name, as kops writes it.
func owner(text string) string {
	account, _, ok := strings.Cut(text, "/")
	if ok && len(account) == 12 && strings.Trim(account, "0123456789") == "" {
		return account
	}
	return ""
}

// uses finds which workloads start from which reference.
func (f *finder) uses(m *aws.Model) {
	note := func(v inventory.Value, workload inventory.ID) { f.value(v, []inventory.ID{workload}) }
	for _, i := range m.Instances {
		note(i.ImageValue, i.Address())
		for _, t := range i.LaunchTemplate.Targets() {
			note(t.ImageValue, i.Address())
		}
	}
	for _, g := range m.AutoScalingGroups {
		for _, refs := range [][]aws.Ref[*aws.LaunchTemplate]{g.Templates, g.Overrides} {
			for _, ref := range refs {
				for _, t := range ref.Targets() {
					note(t.ImageValue, g.Address())
				}
			}
		}
	}
	for _, g := range m.NodeGroups {
		for _, t := range g.LaunchTemplate.Targets() {
			note(t.ImageValue, g.Address())
		}
	}
}

// declaredAs reports whether a data source of this address is the reference.
func (r *Reference) declaredAs(address string) bool {
	return slices.Contains(r.sources, inventory.ID(address))
}

// used makes the place that a workload's id comes from the one that findings are about. An id can stand in other files as well, such
// as documents, and before it.
func (r *Reference) used(at inventory.Location) {
	if r.Form != Literal && r.Form != Mapping || r.atUse {
		return
	}
	for _, l := range r.Locations {
		if l.Path == at.Path && l.Line == at.Line {
			r.Text, r.atUse = l, true
			return
		}
	}
}

func (f *finder) value(v inventory.Value, workloads []inventory.ID) {
	for _, c := range v.Candidates() {
		f.value(c, workloads)
	}
	names := []string{}
	if text, ok := v.Text(); ok {
		names = append(names, text)
	}
	if ref, ok := v.Ref(); ok {
		names = append(names, string(ref.Resource))
	}
	for _, name := range names {
		bare := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(name, "{{"), "}}"), "resolve:ssm:")
		found := false
		for i := range f.found {
			r := &f.found[i]
			if bare == string(r.ID) || r.Form != Packer && r.declaredAs(name) {
				r.Workloads = append(r.Workloads, workloads...)
				r.used(v.Location())
				found = true
			}
		}
		if !found && parameter().FindString(bare) == bare && bare != "" { // put together of parts, so that no text has it
			if r := f.parameter(bare, v.Location()); r != nil {
				r.Workloads = append(r.Workloads, workloads...)
			}
		}
	}
}
