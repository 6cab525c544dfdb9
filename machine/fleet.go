package machine

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Fleet is one or more declared machines, and how AWS tells the machines that they became.
type Fleet struct {
	Addresses []inventory.ID // of instances, an auto scaling group, or the baseline of a patch group
	At        inventory.Location
	Region    string // empty where the code does not say
	// Filters tell the machines among all of the account.
	Filters []Filter
	// Group is the patch group that the machines are in. It is asked for where the machines can't be told otherwise.
	Group string
	// Exactly is how many machines the code declares; 0 where their number is AWS's affair.
	Exactly int
	// Unknown says why the machines can't be told; empty where they can.
	Unknown string
}

// patchGroupTags are the tags that put a machine into a patch group
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/patch-manager-patch-groups.html).
var patchGroupTags = []string{"PatchGroup", "Patch Group"}

// Fleets returns the machines that a model declares, in the order of their addresses. Machines that are told by the same tags are
// one fleet. Nodes of EKS are none: they are replaced and not patched.
func Fleets(m *aws.Model) []Fleet {
	var list []Fleet
	for _, i := range m.Instances {
		if i.Origin == aws.Declared && i.Exists() != inventory.NotExists {
			list = append(list, instance(i))
		}
	}
	for _, g := range m.AutoScalingGroups {
		if g.Origin == aws.Declared && g.Exists() != inventory.NotExists {
			list = append(list, group(g))
		}
	}
	for _, b := range m.PatchBaselines {
		if b.Origin != aws.Declared || b.Exists() == inventory.NotExists {
			continue
		}
		for _, name := range b.Groups {
			if text, ok := name.Known(); ok && text != "" && !name.Sensitive() {
				list = append(list, Fleet{Addresses: []inventory.ID{b.Address()}, At: b.Location(), Region: b.Region(), Group: text})
			}
		}
	}
	return merge(list)
}

// instance says how AWS tells an instance: by its name and all other tags that are known.
func instance(i *aws.Instance) Fleet {
	f := Fleet{Addresses: []inventory.ID{i.Address()}, At: i.Location(), Region: i.Region(), Exactly: 1}
	name := ""
	for _, t := range i.Tags() {
		value, ok := t.Value.Known()
		if !ok || t.Value.Sensitive() || t.Value.Maybe() || len(value) > 255 || strings.ContainsAny(value, `*?\`) {
			continue
		}
		if t.Key == "Name" {
			name = value
		}
		if slices.Contains(patchGroupTags, t.Key) {
			f.Group = value
		}
		if value != "" {
			f.Filters = append(f.Filters, Filter{"tag:" + t.Key, []string{value}})
		}
	}
	slices.SortFunc(f.Filters, func(a, b Filter) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case i.Exists() != inventory.Exists:
		f.unknown("whether and how often it is there is not known")
	case name == "":
		f.unknown("it has no tag Name whose value is known")
	}
	return f
}

// group says how AWS tells the machines of an auto scaling group: by the tag that it gives them itself.
func group(g *aws.AutoScalingGroup) Fleet {
	f := Fleet{Addresses: []inventory.ID{g.Address()}, At: g.Location(), Region: g.Region()}
	for _, t := range g.Tags() {
		if value, ok := t.Value.Known(); ok && slices.Contains(patchGroupTags, t.Key) && !t.Value.Sensitive() {
			f.Group = value
		}
	}
	name, ok := "", false
	for _, attribute := range []string{"name", "AutoScalingGroupName"} { // a name_prefix is no name
		if v := g.Resource.Get(attribute); !v.IsNull() && !v.IsSensitive() {
			name, ok = v.Text()
		}
	}
	switch {
	case g.Exists() != inventory.Exists:
		f.unknown("whether and how often it is there is not known")
	case !ok || name == "" || strings.ContainsAny(name, `*?\`):
		f.unknown("its name is not known")
	default:
		f.Filters = []Filter{{"tag:aws:autoscaling:groupName", []string{name}}}
	}
	return f
}

// unknown notes why the machines can't be told.
func (f *Fleet) unknown(why string) { f.Filters, f.Exactly, f.Unknown = nil, 0, why }

// merge makes one fleet of those that nothing tells apart.
func merge(list []Fleet) []Fleet {
	slices.SortStableFunc(list, func(a, b Fleet) int { return strings.Compare(string(a.Addresses[0]), string(b.Addresses[0])) })
	var out []Fleet
	for _, f := range list {
		at := slices.IndexFunc(out, func(o Fleet) bool {
			return len(f.Filters) > 0 && o.Region == f.Region && slices.EqualFunc(o.Filters, f.Filters, Filter.equal)
		})
		if at < 0 {
			out = append(out, f)
			continue
		}
		out[at].Addresses = append(out[at].Addresses, f.Addresses...)
		out[at].Exactly += f.Exactly
	}
	return out
}

func (f Filter) equal(g Filter) bool { return f.Name == g.Name && slices.Equal(f.Values, g.Values) }
