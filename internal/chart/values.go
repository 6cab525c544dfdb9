package chart

import (
	"fmt"
	"slices"
	"strings"

	helmchart "helm.sh/helm/v3/pkg/chart"
)

// global is the key of the values that every sub-chart sees (https://helm.sh/docs/chart_template_guide/subcharts_and_globals/).
const global = "global"

// withDefaults returns the values of a chart: those given, and the chart's own where none are given; likewise for its
// sub-charts below their names. A value given as null takes the default away; keepNull leaves it as null, for values that
// are gone through once more.
func withDefaults(c *helmchart.Chart, given Values, keepNull bool) (Values, error) {
	own := copied(c.Values)
	for key, value := range own {
		mine, ok := given[key]
		switch {
		case !ok:
			given[key] = value
		case mine == nil && !keepNull:
			delete(given, key)
		default:
			table, isTable := mine.(Values)
			defaults, alsoTable := value.(Values)
			if isTable && alsoTable {
				fill(table, defaults, keepNull || isSubchart(c, key))
			}
		}
	}
	for _, sub := range c.Dependencies() {
		table, ok := given[sub.Name()].(Values)
		if !ok {
			if have, written := given[sub.Name()]; written {
				return nil, fmt.Errorf("the values of sub-chart %s are %T and not a map", sub.Name(), have)
			}
			table = Values{}
		}
		handDown(table, given)
		filled, err := withDefaults(sub, table, keepNull)
		if err != nil {
			return nil, err
		}
		given[sub.Name()] = filled
	}
	return given, nil
}

func isSubchart(c *helmchart.Chart, name string) bool {
	return slices.ContainsFunc(c.Dependencies(), func(sub *helmchart.Chart) bool { return sub.Name() == name })
}

// fill adds to table what is only in defaults.
func fill(table, defaults Values, keepNull bool) {
	for key, value := range table {
		if value == nil && !keepNull && defaults[key] != nil {
			delete(table, key)
			delete(defaults, key)
		}
	}
	for key, value := range defaults {
		mine, ok := table[key]
		if !ok {
			table[key] = value
			continue
		}
		inner, isTable := mine.(Values)
		innerDefaults, alsoTable := value.(Values)
		if isTable && alsoTable {
			fill(inner, innerDefaults, keepNull)
		}
	}
}

// handDown merges the global values of a chart into those of a sub-chart; the chart's count more.
func handDown(sub, parent Values) {
	from, ok := parent[global].(Values)
	if !ok && parent[global] != nil {
		return
	}
	into, ok := sub[global].(Values)
	if !ok {
		if sub[global] != nil {
			return
		}
		into = Values{}
	}
	for key, value := range from {
		table, isTable := value.(Values)
		have, known := into[key]
		haveTable, alsoTable := have.(Values)
		switch {
		case !isTable:
			if !alsoTable {
				into[key] = value
			}
		case !known:
			into[key] = copied(table)
		case alsoTable:
			mine := copied(table)
			fill(mine, copied(haveTable), true)
			into[key] = mine
		}
	}
	sub[global] = into
}

// copied returns a deep copy.
func copied(values Values) Values {
	if values == nil {
		return Values{}
	}
	return deepCopy(values).(Values)
}

func deepCopy(value any) any {
	switch value := value.(type) {
	case Values:
		c := make(Values, len(value))
		for k, v := range value {
			c[k] = deepCopy(v)
		}
		return c
	case []any:
		c := make([]any, len(value))
		for i, v := range value {
			c[i] = deepCopy(v)
		}
		return c
	}
	return value
}

// lookUp returns the value at a path of keys with dots.
func lookUp(values Values, keys string) (any, bool) {
	var value any = values
	for _, key := range strings.Split(keys, ".") {
		table, ok := value.(Values)
		if !ok {
			return nil, false
		}
		if value, ok = table[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// enable leaves out the sub-charts that conditions and tags turn off, and names those with an alias by it. It works on c,
// which the caller does not use for anything else.
func enable(c *helmchart.Chart, values Values, at string) error {
	wanted := c.Metadata.Dependencies
	if wanted == nil {
		return nil
	}
	var subs []*helmchart.Chart
	for _, have := range c.Dependencies() { // those that Chart.yaml does not name stay
		if !slices.ContainsFunc(wanted, func(d *helmchart.Dependency) bool {
			return d != nil && d.Name == have.Name() && compatible(d.Version, have.Metadata.Version)
		}) {
			subs = append(subs, have)
		}
	}
	var kept []*helmchart.Dependency
	for _, d := range wanted {
		if d == nil {
			continue
		}
		own := *d
		for _, have := range c.Dependencies() {
			if have.Name() == d.Name && compatible(d.Version, have.Metadata.Version) {
				twin, metadata := *have, *have.Metadata
				twin.Metadata = &metadata
				if d.Alias != "" {
					metadata.Name = d.Alias
				}
				subs = append(subs, &twin)
				break
			}
		}
		if d.Alias != "" {
			own.Name = d.Alias
		}
		kept = append(kept, &own)
	}
	c.Metadata.Dependencies = kept
	c.SetDependencies(subs...)
	filled, err := withDefaults(c, copied(values), false)
	if err != nil {
		return err
	}
	off := map[string]bool{}
	for _, d := range kept {
		d.Enabled = enabled(d, filled, at)
		if !d.Enabled {
			off[d.Name] = true
		}
	}
	subs = slices.DeleteFunc(subs, func(sub *helmchart.Chart) bool { return off[sub.Name()] })
	c.Metadata.Dependencies = slices.DeleteFunc(kept, func(d *helmchart.Dependency) bool { return off[d.Name] })
	for _, sub := range subs {
		if err := enable(sub, filled, at+sub.Name()+"."); err != nil {
			return err
		}
	}
	c.SetDependencies(subs...)
	return nil
}

// enabled reports whether tags, and conditions above them, want a dependency.
func enabled(d *helmchart.Dependency, values Values, at string) bool {
	on := true
	if tags, ok := values["tags"].(Values); ok {
		var yes, no bool
		for _, tag := range d.Tags {
			if b, ok := tags[tag].(bool); ok {
				yes, no = yes || b, no || !b
			}
		}
		on = yes || !no
	}
	for _, condition := range strings.Split(strings.TrimSpace(d.Condition), ",") {
		if condition == "" {
			continue
		}
		if value, ok := lookUp(values, at+condition); ok {
			if b, ok := value.(bool); ok {
				return b
			}
		}
	}
	return on
}

// importValues merges what sub-charts export into the values of the charts that ask for it
// (https://helm.sh/docs/topics/charts/#importing-child-values-via-dependencies).
func importValues(c *helmchart.Chart) error {
	for _, sub := range c.Dependencies() {
		if err := importValues(sub); err != nil {
			return err
		}
	}
	asked := false
	imported := Values{}
	for _, d := range c.Metadata.Dependencies {
		if d == nil || len(d.ImportValues) == 0 {
			continue
		}
		asked = true
		values, err := withDefaults(c, Values{}, true)
		if err != nil {
			return err
		}
		for _, wanted := range d.ImportValues {
			from, to := "", "."
			switch wanted := wanted.(type) {
			case string:
				from = "exports." + wanted
			case map[string]any:
				from, to = fmt.Sprint(wanted["child"]), fmt.Sprint(wanted["parent"])
			}
			found, _ := lookUp(values, d.Name+"."+from)
			table, ok := found.(Values)
			if !ok {
				continue
			}
			table = copied(table)
			if to != "." {
				keys := strings.Split(to, ".")
				for i := len(keys) - 1; i >= 0; i-- {
					table = Values{keys[i]: table}
				}
			}
			fill(imported, table, true)
		}
	}
	if !asked {
		return nil
	}
	values, err := withDefaults(c, Values{}, true)
	if err != nil {
		return err
	}
	fill(values, imported, true)
	c.Values = values
	return nil
}
