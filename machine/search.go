package machine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Filter is one filter of a question to EC2: a name and the values of which one has to fit.
type Filter struct {
	Name   string
	Values []string
}

// Search is what a data source, a source_ami_filter or a selector of Karpenter searches images by, as far as it has to be known
// to ask AWS the same. Lists are sorted: equal searches are equal.
type Search struct {
	Source inventory.ID // what searches
	At     inventory.Location
	Region string // empty where the code does not say

	Owners, Executable []string
	Filters            []Filter
	NameRegex          string
	Deprecated         bool // deprecated images are found too
	MostRecent         bool // of several images the newest is taken; otherwise it is an error that there are several
	// Unknown says what of the search is not known, and why it can't be asked; empty where all is.
	Unknown string
}

// Release is a pinned release of the EKS image of a node group, and what leads to the newest one.
type Release struct {
	Workload inventory.ID
	Region   string
	// Parameter is the public parameter whose value is the newest release; empty where Unknown says why there is none.
	Parameter string
	Unknown   string
	// Alias is what stands in front of the release where it is written as an alias of Karpenter: al2023@v.
	Alias string
}

// Write returns a release as the code writes it. An alias has the day alone, or the version of Bottlerocket
// (https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms).
func (r *Release) Write(release string) string {
	if r.Alias == "" {
		return release
	}
	version, last, _ := strings.Cut(release, "-")
	if !strings.HasPrefix(r.Alias, "bottlerocket") {
		version = last
	}
	if version == "" {
		return ""
	}
	return r.Alias + version
}

// aliasFormat is an alias of Karpenter that names a release.
var aliasFormat = lazy.Regexp(`^((al2023|al2|bottlerocket)@v)\d`)

// families of EKS by the names that eksctl and Karpenter have for them; the releases of all architectures are called the same.
var releaseFamilies = map[string]string{
	"al2023": "AL2023_x86_64_STANDARD", "al2": "AL2_x86_64", "bottlerocket": "BOTTLEROCKET_x86_64",
	"AmazonLinux2023": "AL2023_x86_64_STANDARD", "AmazonLinux2": "AL2_x86_64", "Bottlerocket": "BOTTLEROCKET_x86_64", "": "AL2023_x86_64_STANDARD",
}

// pinned returns how the newest release of a family is found for a version of Kubernetes.
func pinned(workload inventory.ID, region, family, kubernetes string) Release {
	r := Release{Workload: workload, Region: region}
	parameter := releaseParameters[releaseFamilies[family]]
	switch {
	case !minorVersion().MatchString(kubernetes):
		r.Unknown = "the version of Kubernetes"
	case parameter == "":
		r.Unknown = "a family whose releases AWS publishes"
	default:
		r.Parameter = strings.Replace(parameter, "VERSION", kubernetes, 1)
	}
	return r
}

// aliases finds what the aliases of Karpenter are pinned to. Their releases are the same for each version of Kubernetes, so that
// the newest version of the code's clusters stands for all.
func (f *finder) aliases(m *aws.Model) {
	kubernetes, region := "", ""
	for _, c := range m.EKSClusters {
		version, ok := c.Version.Known()
		if ok && c.Exists() != inventory.NotExists && minorVersion().MatchString(version) && (len(version) > len(kubernetes) || len(version) == len(kubernetes) && version > kubernetes) {
			kubernetes, region = version, c.Region()
		}
	}
	for i := range f.found {
		r := &f.found[i]
		alias := aliasFormat().FindStringSubmatch(string(r.ID))
		if r.Form != Family || alias == nil {
			continue
		}
		release := pinned("", region, alias[2], kubernetes)
		release.Alias = alias[1]
		if len(r.Workloads) > 0 {
			release.Workload = r.Workloads[0]
		}
		r.Releases = append(r.Releases, release)
	}
}

// maxValues bounds the values of a search; AWS takes 200 of one question.
const maxValues = 200

// ask completes a search: it sorts, and finds what is missing.
func (s *Search) ask() {
	slices.Sort(s.Owners)
	slices.Sort(s.Executable)
	slices.SortStableFunc(s.Filters, func(a, b Filter) int { return strings.Compare(a.Name, b.Name) })
	n := len(s.Owners) + len(s.Executable)
	narrow := len(s.Owners) > 0
	for _, f := range s.Filters {
		n += len(f.Values)
		narrow = narrow || slices.Contains([]string{"name", "image-id", "owner-id", "owner-alias"}, f.Name)
		for _, v := range f.Values {
			if len(v) > 255 {
				s.missing("a value of the filter " + f.Name + " that is no longer than AWS allows")
			}
		}
	}
	switch {
	case n > maxValues:
		s.missing("fewer values than AWS refuses")
	case !narrow:
		s.missing("an owner or a name: every image of AWS would be asked for")
	}
	if s.NameRegex != "" {
		if _, err := regexp.Compile(s.NameRegex); err != nil || len(s.NameRegex) > 1000 {
			s.missing("a name_regex that can be read")
		}
	}
}

// missing notes the first thing that is not known.
func (s *Search) missing(what string) {
	if s.Unknown == "" {
		s.Unknown = what
	}
}

// texts returns the texts of a list, or of one text. What is secret, or not known, is missing.
func (s *Search) texts(v inventory.Value, what string) []string {
	if v.IsNull() {
		return nil
	}
	list := v.Elements()
	if len(list) == 0 {
		if _, ok := v.Text(); !ok && !v.Known() {
			s.missing(what)
		} else if ok {
			list = []inventory.Value{v}
		}
	}
	var all []string
	for _, e := range list {
		text, ok := e.Text()
		if !ok || e.IsSensitive() || e.IsMaybe() || e.IsRest() {
			s.missing(what)
			continue
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// searchOf reads how an aws_ami data source searches
// (https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/ami).
func searchOf(r *inventory.Resource, at inventory.Location) Search {
	s := Search{Source: r.ID, At: at, Region: r.Region}
	s.Owners, s.Executable = s.texts(r.Get("owners"), "owners"), s.texts(r.Get("executable_users"), "executable_users")
	filters := r.Get("filter")
	if !filters.IsNull() && !filters.Known() && len(filters.Blocks()) == 0 {
		s.missing("filter")
	}
	for _, f := range filters.Blocks() {
		name, ok := f.Get("name").Text()
		if !ok || f.IsMaybe() || f.IsRest() {
			s.missing("the name of a filter")
			continue
		}
		s.Filters = append(s.Filters, Filter{name, s.texts(f.Get("values"), "the filter "+name)})
	}
	if v := r.Get("name_regex"); !v.IsNull() {
		text, ok := v.Text()
		if s.NameRegex = text; !ok || v.IsSensitive() {
			s.missing("name_regex")
		}
	}
	s.Deprecated, s.MostRecent = yes(&s, r.Get("include_deprecated"), "include_deprecated"), yes(&s, r.Get("most_recent"), "most_recent")
	s.ask()
	return s
}

// packerSearch reads a source_ami_filter (https://developer.hashicorp.com/packer/integrations/hashicorp/amazon).
func packerSearch(r *inventory.Resource, filter inventory.Value, at inventory.Location) Search {
	s := Search{Source: r.ID, At: at, Region: r.Region}
	if text, ok := r.Get("region").Text(); ok && s.Region == "" {
		s.Region = text
	}
	s.Owners = s.texts(filter.Get("owners"), "owners")
	filters := filter.Get("filters")
	if !filters.IsNull() && filters.Kind() != inventory.Map {
		s.missing("filters")
	}
	for _, f := range filters.Fields() {
		s.Filters = append(s.Filters, Filter{f.Name, s.texts(f.Value, "the filter "+f.Name)})
	}
	s.Deprecated, s.MostRecent = yes(&s, filter.Get("include_deprecated"), "include_deprecated"), yes(&s, filter.Get("most_recent"), "most_recent")
	s.ask()
	return s
}

// selectorSearch reads a term of amiSelectorTerms, which finds images of the account and of Amazon where it names no owner
// (https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms).
func selectorSearch(source inventory.ID, term inventory.Value) Search {
	s := Search{Source: source, At: term.Location(), Deprecated: true, MostRecent: true}
	s.Owners = s.texts(term.Get("owner"), "owner")
	if len(s.Owners) == 0 {
		s.Owners = []string{"amazon", "self"}
	}
	s.Filters = append(s.Filters, Filter{"name", s.texts(term.Get("name"), "name")})
	for _, f := range term.Get("tags").Fields() {
		s.Filters = append(s.Filters, Filter{"tag:" + f.Name, s.texts(f.Value, "the tag "+f.Name)})
	}
	s.ask()
	return s
}

// namedSearch searches for an image by its owner's account and its whole name, as kops does.
func namedSearch(source inventory.ID, account, name string, at inventory.Location) Search {
	s := Search{Source: source, At: at, Deprecated: true, MostRecent: true, Owners: []string{account}, Filters: []Filter{{"name", []string{name}}}}
	s.ask()
	return s
}

func yes(s *Search, v inventory.Value, what string) bool {
	if v.IsNull() {
		return false
	}
	b, ok := v.Bool()
	if !ok {
		s.missing(what)
	}
	return b
}

// releaseParameters are the public parameters with the newest release of a family, by its ami_type. VERSION stands for the
// version of Kubernetes (https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html,
// https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id-bottlerocket.html,
// https://docs.aws.amazon.com/eks/latest/userguide/retrieve-windows-ami-id.html).
var releaseParameters = map[string]string{
	"AL2_x86_64":                 "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2/recommended/release_version",
	"AL2_x86_64_GPU":             "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2-gpu/recommended/release_version",
	"AL2_ARM_64":                 "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2-arm64/recommended/release_version",
	"AL2023_x86_64_STANDARD":     "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/x86_64/standard/recommended/release_version",
	"AL2023_ARM_64_STANDARD":     "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/arm64/standard/recommended/release_version",
	"AL2023_x86_64_NEURON":       "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/x86_64/neuron/recommended/release_version",
	"AL2023_x86_64_NVIDIA":       "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/x86_64/nvidia/recommended/release_version",
	"AL2023_ARM_64_NVIDIA":       "/aws/service/eks/optimized-ami/VERSION/amazon-linux-2023/arm64/nvidia/recommended/release_version",
	"BOTTLEROCKET_x86_64":        "/aws/service/bottlerocket/aws-k8s-VERSION/x86_64/latest/image_version",
	"BOTTLEROCKET_ARM_64":        "/aws/service/bottlerocket/aws-k8s-VERSION/arm64/latest/image_version",
	"BOTTLEROCKET_x86_64_NVIDIA": "/aws/service/bottlerocket/aws-k8s-VERSION-nvidia/x86_64/latest/image_version",
	"BOTTLEROCKET_ARM_64_NVIDIA": "/aws/service/bottlerocket/aws-k8s-VERSION-nvidia/arm64/latest/image_version",
	"BOTTLEROCKET_x86_64_FIPS":   "/aws/service/bottlerocket/aws-k8s-VERSION-fips/x86_64/latest/image_version",
	"BOTTLEROCKET_ARM_64_FIPS":   "/aws/service/bottlerocket/aws-k8s-VERSION-fips/arm64/latest/image_version",
	"WINDOWS_CORE_2019_x86_64":   "/aws/service/ami-windows-latest/Windows_Server-2019-English-Core-EKS_Optimized-VERSION/release_version",
	"WINDOWS_FULL_2019_x86_64":   "/aws/service/ami-windows-latest/Windows_Server-2019-English-Full-EKS_Optimized-VERSION/release_version",
	"WINDOWS_CORE_2022_x86_64":   "/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-VERSION/release_version",
	"WINDOWS_FULL_2022_x86_64":   "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-EKS_Optimized-VERSION/release_version",
}

var (
	minorVersion  = lazy.Regexp(`^1\.\d{1,3}$`)
	releaseFormat = lazy.Regexp(`^(1\.\d{1,3})(?:\.\d+)?-20\d\d[01]\d[0-3]\d$|^(1\.\d{1,3})-20\d\d\.\d\d\.\d\d$`)
)

// releases finds what leads to the newest of each pinned release: the family and the version of Kubernetes that the node group
// or its cluster has, else the one that the release itself begins with.
func (f *finder) releases(m *aws.Model) {
	for _, g := range m.NodeGroups {
		text, ok := g.ReleaseVersion.Known()
		if !ok || text == "" || g.Exists() == inventory.NotExists {
			continue
		}
		i, ok := f.at[key{inventory.ID(text), Family}]
		if !ok {
			continue
		}
		r := Release{Workload: g.Address(), Region: g.Region()}
		version := g.Version
		if version.Absent() && g.Cluster.Resolved() {
			version = g.Cluster.To.Version
		}
		kubernetes, known := version.Known()
		if m := releaseFormat().FindStringSubmatch(text); !known && m != nil {
			kubernetes = m[1] + m[2]
		}
		kind, _ := g.AMIType.Known()
		parameter := releaseParameters[kind]
		switch {
		case !minorVersion().MatchString(kubernetes):
			r.Unknown = "the version of Kubernetes"
		case parameter == "":
			r.Unknown = "an ami_type whose releases AWS publishes"
		default:
			r.Parameter = strings.Replace(parameter, "VERSION", kubernetes, 1)
		}
		f.found[i].Releases = append(f.found[i].Releases, r)
	}
}
