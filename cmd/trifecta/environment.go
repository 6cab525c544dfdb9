package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// environmentNotice is the code of the notice that names the environments that a scan leaves out.
const environmentNotice = "environment-left-out"

// onlyEnvironments keeps the infrastructure that belongs to the chosen environments, or to none in particular, and returns the names of
// the others. Without a choice everything stays.
func onlyEnvironments(inv *inventory.Inventory, chosen []string) (left []string) {
	if len(chosen) == 0 {
		return nil
	}
	inv.Resources = slices.DeleteFunc(inv.Resources, func(r *inventory.Resource) bool {
		if r.Environment == "" || slices.Contains(chosen, r.Environment) {
			return false
		}
		left = append(left, r.Environment)
		return true
	})
	slices.Sort(left)
	left = slices.Compact(left)
	if len(left) > 0 {
		inv.Notices = append(inv.Notices, inventory.Notice{
			Code: environmentNotice, Message: fmt.Sprintf("judged for %s alone, as asked; left out: %s", strings.Join(chosen, ", "), strings.Join(left, ", ")),
		})
	}
	return left
}

// checkEnvironments returns a usage error for a chosen environment that neither the configuration nor the tree knows: a
// misspelt one would pass every gate.
func checkEnvironments(chosen []string, cfg *config.Config, resources []*inventory.Resource, left []string) error {
	known := slices.Clone(left)
	for _, e := range cfg.Environments {
		known = append(known, e.Name)
	}
	for _, r := range resources {
		known = append(known, r.Environment)
	}
	slices.Sort(known)
	known = slices.DeleteFunc(slices.Compact(known), func(name string) bool { return name == "" })
	for _, name := range chosen {
		if !slices.Contains(known, name) {
			there := "there is none"
			if len(known) > 0 {
				there = "there are " + strings.Join(known, ", ")
			}
			return usage("docs/configuration.md says where environments come from", "--environment: nothing in the tree is for %q; %s", name, there)
		}
	}
	return nil
}
