package aws

import (
	"net/netip"
	"reflect"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Fact is one object of a Model as it is printed.
type Fact struct {
	Kind        string              `json:"kind"` // VPC, Subnet, ...: the name of the struct
	Address     inventory.ID        `json:"address"`
	Origin      string              `json:"origin"`           // declared, implied, external
	Exists      string              `json:"exists,omitempty"` // maybe, no; empty: yes
	Root        string              `json:"root"`
	Environment string              `json:"environment,omitempty"`
	Region      string              `json:"region,omitempty"`
	Account     string              `json:"account,omitempty"`
	Assumed     string              `json:"assumed,omitempty"`
	Exported    bool                `json:"exported,omitempty"`
	Location    *inventory.Location `json:"location,omitempty"`
	// Fields are what is known, and what is not known with its reasons; absent fields are left out. What is a default is
	// not told apart. Other objects stand by their address.
	Fields map[string]any `json:"fields"`
}

// Facts returns the objects of the model in a form for people and encoders, list by list in the order of the model.
// Sensitive values are not in it.
func (m *Model) Facts() []Fact {
	var facts []Fact
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		list := v.Field(i)
		if list.Kind() != reflect.Slice || !v.Type().Field(i).IsExported() {
			continue
		}
		for j := range list.Len() {
			if n, ok := list.Index(j).Interface().(Node); ok {
				facts = append(facts, factOf(n))
			}
		}
	}
	return facts
}

func factOf(n Node) Fact {
	o := n.Self()
	f := Fact{
		Kind: reflect.TypeOf(n).Elem().Name(), Address: o.Address(), Origin: o.Origin.String(), Root: o.Unit.Root, Environment: o.Unit.Environment,
		Region: o.region, Account: o.account, Exported: o.exported, Fields: map[string]any{},
	}
	switch o.Exists() {
	case inventory.MayExist:
		f.Exists = "maybe"
	case inventory.NotExists:
		f.Exists = "no"
	}
	if o.Resource != nil {
		f.Assumed = o.Resource.Assumed
	}
	if at := o.Location(); !at.IsZero() {
		f.Location = &at
	}
	shownFields(reflect.ValueOf(n).Elem(), f.Fields)
	return f
}

// shown is a leaf or reference that knows how to show itself.
type shown interface{ show() any }

func shownFields(v reflect.Value, into map[string]any) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case !f.IsExported() || f.Type == reflect.TypeFor[Object]():
		case f.Type == reflect.TypeFor[Written]():
			if w, ok := v.Field(i).Interface().(Written); ok {
				into["at"] = w.Address()
				if w.Maybe {
					into["maybe"] = w.Reasons
				}
			}
		case f.Anonymous:
			shownFields(v.Field(i), into)
		default:
			if s := show(v.Field(i)); s != nil {
				into[snake(f.Name)] = s
			}
		}
	}
}

func show(v reflect.Value) any {
	if s, ok := v.Interface().(shown); ok {
		return s.show()
	}
	switch x := v.Interface().(type) {
	case inventory.Value, inventory.Location, *Written:
		return nil
	case *inventory.Resource:
		return x.ID
	case Node:
		if v.IsNil() {
			return nil
		}
		return x.Self().Address()
	case []inventory.Reason:
		if len(x) == 0 {
			return nil
		}
		return x
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return show(v.Elem())
		}
	case reflect.Slice:
		var all []any
		for i := range v.Len() {
			if s := show(v.Index(i)); s != nil {
				all = append(all, s)
			}
		}
		if len(all) > 0 {
			return all
		}
	case reflect.Struct:
		fields := map[string]any{}
		shownFields(v, fields)
		if len(fields) > 0 {
			return fields
		}
	case reflect.Bool:
		if v.Bool() {
			return true
		}
	case reflect.String:
		if v.Len() > 0 {
			return v.String()
		}
	}
	return nil
}

func (v Value[T]) show() any {
	if v.Sensitive() {
		return map[string]any{"sensitive": true}
	}
	var s any
	switch v.state {
	case absent:
		return nil
	case unknown:
		unknown := map[string]any{"unknown": nonNil(v.Reasons())}
		for _, c := range v.Candidates() {
			all, _ := unknown["one_of"].([]any)
			unknown["one_of"] = append(all, c.show())
		}
		if v.Rest() {
			unknown["rest"] = true
		}
		return unknown
	default:
		s = v.value
		if p, ok := s.(netip.Prefix); ok {
			s = p.String()
		}
	}
	if v.Maybe() {
		return map[string]any{"maybe": s, "reasons": nonNil(v.Reasons())}
	}
	return s
}

func (r Ref[T]) show() any {
	addresses := func(nodes []T) []inventory.ID {
		all := make([]inventory.ID, len(nodes))
		for i, n := range nodes {
			all[i] = n.Self().shownAddress()
		}
		return all
	}
	switch {
	case r.Absent():
		return nil
	case r.Unknown():
		unknown := map[string]any{"unknown": nonNil(r.reasons)}
		if len(r.AnyOf) > 0 {
			unknown["one_of"] = addresses(r.AnyOf)
		}
		if r.literal != "" {
			unknown["literal"] = r.literal
		}
		if r.Rest() {
			unknown["rest"] = true
		}
		return unknown
	}
	address := r.To.Self().shownAddress()
	if r.Maybe() {
		return map[string]any{"maybe": address, "reasons": nonNil(r.reasons)}
	}
	return address
}

// shownAddress is the address, with a word for what belongs to the default VPC.
func (o *Object) shownAddress() inventory.ID {
	if address := o.Address(); address != "" {
		return address
	}
	return "(default VPC)"
}

func nonNil(reasons []inventory.Reason) []inventory.Reason {
	if reasons == nil {
		return []inventory.Reason{}
	}
	return reasons
}

// snake spells the name of a field as JSON does: IPv6CIDR is ipv6_cidr.
func snake(name string) string {
	var b strings.Builder
	upper := func(i int) bool { return i >= 0 && i < len(name) && name[i] >= 'A' && name[i] <= 'Z' }
	name = strings.NewReplacer("IPv4", "Ipv4", "IPv6", "Ipv6", "CIDRs", "Cidrs", "IPs", "Ips", "URLs", "Urls", "APIs", "Apis", "ACLs", "Acls", "ARNs", "Arns").Replace(name)
	for i := range len(name) {
		if upper(i) {
			if i > 0 && (!upper(i-1) || i+1 < len(name) && !upper(i+1)) {
				b.WriteByte('_')
			}
			b.WriteByte(name[i] - 'A' + 'a')
			continue
		}
		b.WriteByte(name[i])
	}
	return b.String()
}
