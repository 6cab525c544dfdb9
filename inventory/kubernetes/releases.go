package kubernetes

import (
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"

	"github.com/trifecta-scanner/trifecta/internal/chart"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// release notes the chart of the tree that a helm_release of Terraform installs
// (https://registry.terraform.io/providers/hashicorp/helm/latest/docs/resources/release). What the code does not say of its
// values is unknown in what the chart gives, too.
func (r *reader) release(res *inventory.Resource, found map[string][]deployment) {
	name, _ := res.Get("chart").Text()
	if name == "" || strings.Contains(name, "://") {
		return
	}
	dir := path.Join(res.Root, name) // as Terraform has it: seen from the root module
	if !r.folders[dir] {
		return
	}
	d := deployment{environment: res.Environment, release: res.Name, values: chart.Values{}, unknowns: map[string]inventory.Value{}, exists: res.Exists, reasons: res.Reasons}
	if text, ok := res.Get("name").Text(); ok && text != "" {
		d.release = text
	}
	d.namespace, _ = res.Get("namespace").Text()
	for _, v := range res.Get("values").Elements() {
		if inner, ok := v.Encoded(); ok && inner.Kind() == inventory.Map {
			if values, ok := d.plain(inner).(chart.Values); ok {
				d.values = chart.Overlay(d.values, values)
				continue
			}
		}
		if v.IsSensitive() || v.IsUnknown() && len(v.Parts()) == 0 {
			r.notice("missing-values", v.Location(), "%s renders %s with values that are not known or must not be shown; it is rendered without them", res.ID, dir)
			continue
		}
		values, err := chart.ParseValues([]byte(d.text(v)))
		if err != nil {
			r.notice("missing-values", v.Location(), "%s renders %s with values that can't be read: %v", res.ID, dir, err)
			continue
		}
		d.values = chart.Overlay(d.values, values)
	}
	for _, block := range []string{"set", "set_list", "set_sensitive", "set_wo"} {
		for _, s := range res.Get(block).Elements() {
			key, _ := s.Get("name").Text()
			value := s.Get("value")
			if block == "set_sensitive" || block == "set_wo" {
				value = value.AsSensitive()
			}
			text := d.text(value)
			if block == "set_list" {
				text = d.list(value)
			}
			assign := strvals.ParseInto
			if kind, _ := s.Get("type").Text(); kind == "string" {
				assign = strvals.ParseIntoString
			}
			if err := assign(key+"="+text, d.values); key == "" || err != nil {
				r.notice("missing-values", s.Location(), "%s renders %s with a value for %q that can't be read", res.ID, dir, key)
			}
		}
	}
	found[dir] = append(found[dir], d)
}

// text returns a text with marks for what of it is not known, or must not be shown.
func (d *deployment) text(v inventory.Value) string {
	if text, ok := v.Text(); ok && !v.IsSensitive() || v.IsNull() {
		return text
	}
	if parts := v.Parts(); len(parts) > 0 && !v.IsSensitive() {
		var b strings.Builder
		for _, p := range parts {
			b.WriteString(d.text(p))
		}
		return b.String()
	}
	if v.IsSensitive() || !v.IsUnknown() {
		v = inventory.UnknownValue(v.Location(), inventory.Reason{Code: inventory.NotEvaluated, Ref: "values"})
	}
	mark := chart.Mark(len(d.unknowns))
	d.unknowns[mark] = v
	return mark
}

// list returns a list as an assignment of Helm has it: {a,b}.
func (d *deployment) list(v inventory.Value) string {
	elements := v.Elements()
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = strings.NewReplacer(",", `\,`, "{", `\{`, "}", `\}`).Replace(d.text(e))
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// plain returns a value as charts take it, with marks for what of it is not known.
func (d *deployment) plain(v inventory.Value) any {
	if v.IsSensitive() {
		return d.text(v)
	}
	switch v.Kind() {
	case inventory.Map:
		values := chart.Values{}
		for _, f := range v.Fields() {
			values[f.Name] = d.plain(f.Value)
		}
		return values
	case inventory.List:
		list := make([]any, 0, len(v.Elements()))
		for _, e := range v.Elements() {
			list = append(list, d.plain(e))
		}
		return list
	case inventory.Bool:
		b, _ := v.Bool()
		return b
	case inventory.Number:
		n, _ := v.Number()
		return n
	case inventory.Null:
		return nil
	}
	return d.text(v)
}
