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
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
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
	// sources are the addresses of the data sources that search for it.
	sources []inventory.ID
	// Text is where the name can be replaced: the location of the value that is written.
	Text inventory.Location
}

// maxText bounds the files that are searched for ids; templates of AWS end at 1 MB.
const maxText = 8 << 20

var (
	literalID = regexp.MustCompile(`\bami-[0-9a-z]+\b`)
	realID    = regexp.MustCompile(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
	parameter = regexp.MustCompile(`/aws/service/[A-Za-z0-9_./-]+[A-Za-z0-9]`)
	region    = regexp.MustCompile(`\b(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso-)?(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d\b`)
)

// searched are the endings of files in which ids and parameters are looked for.
var searched = []string{".tf", ".tf.json", ".tofu", ".tfvars", ".tfvars.json", ".hcl", ".yaml", ".yml", ".json", ".template"}

// lockFiles hold digests and addresses that look like ids and are none.
var lockFiles = []string{"package-lock.json", "pnpm-lock.yaml", "composer.lock", "bun.lock"}

// Find returns the references of a tree, in order of their ids.
func Find(tree *inventory.Tree, cloud *aws.Model, cluster *kube.Model, resources []*inventory.Resource) []Reference {
	f := &finder{at: map[key]int{}}
	for _, file := range tree.Files() {
		ends := slices.ContainsFunc(searched, func(end string) bool { return strings.HasSuffix(file.Path, end) })
		if !ends || file.Vendored || file.Size > maxText || slices.Contains(lockFiles, file.Base()) {
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
	for i := range f.found {
		r := &f.found[i]
		slices.SortFunc(r.Locations, inventory.Location.Compare)
		r.Locations = slices.Compact(r.Locations)
		slices.Sort(r.Workloads)
		r.Workloads = slices.Compact(r.Workloads)
	}
	slices.SortFunc(f.found, func(a, b Reference) int {
		return cmp.Or(strings.Compare(string(a.ID), string(b.ID)), strings.Compare(a.Form, b.Form), strings.Compare(a.Region, b.Region))
	})
	return f.found
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
	if !at.IsZero() {
		r.Locations = append(r.Locations, at)
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
		for _, m := range literalID.FindAllStringIndex(written, -1) {
			id := written[m[0]:m[1]]
			if len(id) < len("ami-") || partOfWord(written, m[0], m[1]) {
				continue
			}
			at := inventory.Location{Path: name, Line: number, Column: m[0] + 1, EndLine: number, EndColumn: m[1] + 1}
			holds := placeholder(id)
			if !realID.MatchString(id) && !holds {
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
		for _, m := range parameter.FindAllStringIndex(written, -1) {
			id := written[m[0]:m[1]]
			if !strings.Contains(id, "ami") && !strings.Contains(id, "image") && !strings.Contains(id, "bottlerocket") {
				continue
			}
			r := f.add(inventory.ID(id), Parameter, inventory.Location{Path: name, Line: number, Column: m[0] + 1, EndLine: number, EndColumn: m[1] + 1})
			r.Moving, r.System = movingParameter(id), SystemOf(id)
			r.Built = builtDay(id)
		}
		before = append(before, text)
		if len(before) > 40 {
			before = before[1:]
		}
	}
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
	case !realID.MatchString(id):
		return false
	}
	const made = "0123456789abcdef0123456789abcdef0"
	return strings.Contains(made, digits) || strings.Contains("1234567890abcdef01234567890abcdef0", digits) || strings.Count(digits, digits[:1]) == len(digits)
}

// regionNear returns the region that an id belongs to in a map: before it on the line, or the key around it.
func regionNear(line string, before []string) string {
	if all := region.FindAllString(line, -1); len(all) > 0 {
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
			if m := region.FindString(key); m != "" && strings.HasPrefix(key, m) {
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
	case strings.HasSuffix(r.Type, "aws_ami") && strings.HasPrefix(string(r.ID[max(0, strings.LastIndex(string(r.ID), "data.")):]), "data."):
		f.search(r)
	case r.Type == "AWS::EKS::Nodegroup" || r.Type == "aws_eks_node_group":
		for _, attribute := range []string{"ami_type", "AmiType"} {
			if text, ok := r.Get(attribute).Text(); ok {
				at := r.Get(attribute).Location()
				ref := f.add(inventory.ID(text), Family, at)
				ref.Moving, ref.System = true, SystemOf(text)
				ref.Workloads = append(ref.Workloads, r.ID)
			}
		}
	case r.Language == inventory.Packer:
		f.packer(r)
	}
}

// search reads an aws_ami data source.
func (f *finder) search(r *inventory.Resource) {
	id, at := r.ID, r.Location
	name := ""
	for _, filter := range r.Get("filter").Blocks() {
		key, _ := filter.Get("name").Text()
		for _, v := range filter.Get("values").Elements() {
			if text, ok := v.Text(); ok && (key == "name" || key == "image-id") {
				name, at = text, v.Location()
			}
		}
	}
	if text, ok := r.Get("name_regex").Text(); ok && name == "" {
		name, at = text, r.Get("name_regex").Location()
	}
	if name != "" {
		id = inventory.ID(name)
	}
	ref := f.add(id, DataSource, r.Location)
	ref.Text, ref.Name = at, name
	ref.sources = append(ref.sources, r.ID)
	ref.Moving, _ = r.Get("most_recent").Bool()
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
	ref.System = SystemOf(name)
	ref.Built = builtDay(name)
	if r.Region != "" {
		ref.Region = r.Region
	}
}

// packer reads a source of a Packer template.
func (f *finder) packer(r *inventory.Resource) {
	if v := r.Get("source_ami"); !v.IsNull() {
		text, ok := v.Text()
		if !ok || !strings.HasPrefix(text, "ami-") {
			ref := f.add(r.ID+".source_ami", Packer, v.Location())
			ref.Name = "source_ami"
			return
		}
		ref := f.add(inventory.ID(text), Packer, v.Location())
		ref.Placeholder = placeholder(text)
	}
	if filter := r.Get("source_ami_filter"); !filter.IsNull() {
		name := filter.Get("filters", "name")
		text, _ := name.Text()
		id := inventory.ID(cmp.Or(text, string(r.ID)+".source_ami_filter"))
		ref := f.add(id, Packer, filter.Location())
		ref.Name, ref.System, ref.Built = text, SystemOf(text), builtDay(text)
		ref.Moving, _ = filter.Get("most_recent").Bool()
		ref.Unowned = filter.Get("owners").IsNull() && filter.Get("filters", "owner-id").IsNull() && filter.Get("filters", "owner-alias").IsNull()
	}
}

// object reads what clusters are made of: eksctl, kops, Karpenter.
func (f *finder) object(o *kube.Object) {
	family := func(v inventory.Value) {
		if text, ok := v.Text(); ok && text != "" {
			ref := f.add(inventory.ID(text), Family, v.Location())
			ref.Moving, ref.System = true, SystemOf(text)
			ref.Workloads = append(ref.Workloads, o.ID())
		}
	}
	image := func(v inventory.Value, form string) {
		text, ok := v.Text()
		if !ok || text == "" || strings.HasPrefix(text, "ami-") { // found in the text
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
	}
	switch o.Group + "/" + o.Kind {
	case "eksctl.io/ClusterConfig":
		for _, list := range []string{"nodeGroups", "managedNodeGroups"} {
			for _, g := range o.Get(list).Blocks() {
				family(g.Get("amiFamily"))
				image(g.Get("ami"), Literal)
			}
		}
	case "kops.k8s.io/InstanceGroup", "kops/InstanceGroup":
		image(o.Get("spec", "image"), Literal)
	case "karpenter.k8s.aws/EC2NodeClass", "karpenter.k8s.aws/AWSNodeTemplate":
		family(o.Get("spec", "amiFamily"))
		for _, term := range o.Get("spec", "amiSelectorTerms").Blocks() {
			image(term.Get("alias"), Family)
			image(term.Get("name"), DataSource)
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
	for i := range f.found {
		r := &f.found[i]
		for _, name := range names {
			bare := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(name, "{{"), "}}"), "resolve:ssm:")
			if bare == string(r.ID) || r.Form == DataSource && r.declaredAs(name) {
				r.Workloads = append(r.Workloads, workloads...)
			}
		}
	}
}
