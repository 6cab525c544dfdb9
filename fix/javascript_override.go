package fix

import (
	"cmp"
	"fmt"
	"slices"
)

// override is what one target of HowOverride is written as.
type override struct {
	target  Target
	wanted  string   // the range that is taken: ^1.2.3
	parents []string // the packages that it is for; nil for all
	// versions are those of a parent that it is for, where others must not be reached.
	versions map[string][]string
}

// override notes what the overrides among the targets force. One reaches every package of the name, so where others of it
// are there, or the project asks for it itself, it is written for those that hold it down.
func (c *jsChange) override() error {
	for _, t := range c.job.Targets {
		if t.How != HowOverride {
			continue
		}
		o := override{target: t, wanted: "^" + t.To}
		if c.exact {
			o.wanted = t.To
		}
		scoped := slices.ContainsFunc(c.job.Project.Requirements, func(r Requirement) bool { return r.Package == t.Package })
		holding := map[string]bool{}
		for _, n := range c.nodes {
			if n.name == t.Package && n.version != t.From && !n.gone {
				// Where one text is met by one package, an override for all leaves room for one version alone.
				if ok, err := npmAdmits(o.wanted, n.version); err != nil || !ok || c.keyed {
					scoped = true
				}
			}
			for _, need := range n.needs {
				if need.to == nil || need.to.name != t.Package || need.to.version != t.From {
					continue
				}
				spec := need.asks()
				if spec == "" { // the file does not say
					if v, err := c.registry.version(c.ctx, n.name, n.version); err == nil {
						spec = cmp.Or(v.Dependencies[need.name], v.OptionalDependencies[need.name])
					}
				}
				if ok, err := npmAdmits(spec, t.To); err != nil || !ok {
					holding[n.name] = true
				}
			}
		}
		if scoped {
			if o.parents = sortedKeys(holding); len(holding) == 0 {
				continue
			}
		}
		for _, n := range c.nodes {
			for _, need := range n.needs {
				if need.to != nil && need.to.name == t.Package && need.to.version == t.From && (!scoped || holding[n.name]) {
					need.forced = o.wanted
				}
			}
		}
		if !scoped {
			if c.forced == nil {
				c.forced = map[string]string{}
			}
			c.forced[t.Package] = o.wanted
		}
		if err := c.among(&o); err != nil {
			return err
		}
		c.overrides = append(c.overrides, o)
	}
	return nil
}

// among looks whether an override for some packages would reach other versions of them, which have another version of what it
// is for: yarn would give them the same one, and may thereby lower it.
func (c *jsChange) among(o *override) error {
	if !c.keyed {
		return nil
	}
	for _, parent := range o.parents {
		others := false
		var versions []string
		for _, n := range c.nodes {
			for _, need := range n.needs {
				if n.gone || n.name != parent || need.to == nil || need.to.name != o.target.Package {
					continue
				}
				if need.to.version == o.target.From {
					versions = append(versions, n.version)
				} else if need.to.version != o.target.To {
					others = true
				}
			}
		}
		switch {
		case others && c.aliases:
			return fmt.Errorf("%s can't be overridden for one version of %s alone in Yarn 1, and others of it need another one", o.target.Package, parent)
		case others:
			if o.versions == nil {
				o.versions = map[string][]string{}
			}
			o.versions[parent] = versions
		}
	}
	return nil
}
