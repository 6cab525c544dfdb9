package aws

import (
	"reflect"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// linkUses notes what carries each security group, and what leaves its root by an output.
func (b *builder) linkUses() {
	v := reflect.ValueOf(b.m).Elem()
	for i := range v.NumField() {
		list := v.Field(i)
		if list.Kind() != reflect.Slice || !v.Type().Field(i).IsExported() || v.Type().Field(i).Name == "NotCreated" {
			continue
		}
		for j := range list.Len() {
			if n, ok := list.Index(j).Interface().(Node); ok {
				b.carriers(n, list.Index(j).Elem())
			}
		}
	}
	for _, n := range b.m.NodeGroups { // nodes without a group in their template carry the cluster's
		if t := n.LaunchTemplate.To; t == nil || len(t.SecurityGroups) == 0 && !t.grouped() {
			for _, c := range n.Cluster.Targets() {
				c.SecurityGroup.Carriers = append(c.SecurityGroup.Carriers, n)
			}
		}
	}
	for _, r := range b.outputs {
		left := maxOutput
		b.export(b.decoderOf(r), r.Values, &left)
	}
}

// carriers notes n at every group that it refers to as one that it carries. Rules, which are behind pointers, are passed by.
func (b *builder) carriers(n Node, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if !v.Type().Field(i).IsExported() {
			continue
		}
		switch {
		case f.Type() == reflect.TypeFor[[]Ref[*SecurityGroup]]():
			refs, _ := f.Interface().([]Ref[*SecurityGroup])
			for _, r := range refs {
				for _, g := range r.Targets() {
					if len(g.Carriers) == 0 || g.Carriers[len(g.Carriers)-1] != n {
						g.Carriers = append(g.Carriers, n)
					}
				}
			}
		case f.Kind() == reflect.Struct && v.Type().Field(i).Type.PkgPath() == reflect.TypeFor[Object]().PkgPath() && hasGroups(f.Type()):
			b.carriers(n, f)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct && hasGroups(f.Type().Elem()):
			for j := range f.Len() {
				b.carriers(n, f.Index(j))
			}
		}
	}
}

// hasGroups reports whether a struct of the model has references to groups: what machines are launched with has.
func hasGroups(t reflect.Type) bool {
	return t == reflect.TypeFor[Launch]() || t == reflect.TypeFor[LaunchInterface]()
}

// maxOutput bounds how much of an output is looked at.
const maxOutput = 10_000

// export marks what an output leads to.
func (b *builder) export(d *decoder, v inventory.Value, left *int) {
	if *left--; *left < 0 {
		return
	}
	if _, ok := v.Ref(); ok {
		b.steps = 0
		if n := d.target(reflect.TypeFor[Node](), v, 0); n != nil {
			n.Self().exported = true
		}
	}
	inner := slices.Concat(v.Parts(), v.Candidates())
	switch v.Kind() {
	case inventory.List:
		inner = append(inner, v.Elements()...)
	case inventory.Map:
		for _, f := range v.Fields() {
			inner = append(inner, f.Value)
		}
	}
	for _, e := range inner {
		b.export(d, e, left)
	}
}
