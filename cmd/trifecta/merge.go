package main

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func (a *app) mergeCommand() *cobra.Command {
	var specs []string
	cmd := &cobra.Command{
		Use:   "merge RESULT.json...",
		Short: "Writes one report over the saved results of several repositories",
		Long: `merge puts the results of several repositories into one report. Each repository becomes a folder of its own name:
its paths begin with it. Findings keep their ranks, and the worst of all repositories comes first.`,
		Example: `  trifecta merge shop.json billing.json
  trifecta merge results/*.json -o markdown=organisation.md -o json=organisation.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			outputs, err := report.ParseOutputs(specs)
			if err != nil {
				return usage("", "%w", err)
			}
			results := make([]*scanner.Result, len(args))
			for i, name := range args {
				if results[i], err = savedResult(name); err != nil {
					return err
				}
			}
			return a.write(outputs, merged(results, args))
		},
	}
	registerOutput(cmd, &specs)
	return cmd
}

// merged returns one result of several; files are those that they were read from. It takes the results apart.
func merged(results []*scanner.Result, files []string) *scanner.Result {
	out := &scanner.Result{SchemaVersion: scanner.SchemaVersion, Tool: results[0].Tool, Run: results[0].Run, Target: scanner.Target{Path: "."}}
	taken := map[string]bool{}
	packages := map[inventory.ID]int{}
	out.AttackSurface.Evaluated = true
	for i, res := range results {
		name := repositoryName(res, files[i], taken)
		relocate(res, name)
		for _, p := range res.Packages {
			at, ok := packages[p.ID]
			if !ok {
				packages[p.ID] = len(out.Packages)
				out.Packages = append(out.Packages, p)
				continue
			}
			have := &out.Packages[at]
			have.Locations = append(have.Locations, p.Locations...)
			have.Workloads = append(have.Workloads, p.Workloads...)
		}
		out.Images = append(out.Images, res.Images...)
		out.MachineImages = append(out.MachineImages, res.MachineImages...)
		out.Resources = append(out.Resources, res.Resources...)
		out.Links = append(out.Links, res.Links...)
		out.Workloads = append(out.Workloads, res.Workloads...)
		out.Rules = append(out.Rules, res.Rules...)
		out.Findings = append(out.Findings, res.Findings...)
		out.Fixed = append(out.Fixed, res.Fixed...)
		for _, n := range res.Notices { // one without a place is about its whole repository
			if n.Location == nil {
				n.Message = name + ": " + n.Message
			}
			out.Notices = append(out.Notices, n)
		}
		s := res.AttackSurface
		out.AttackSurface.Evaluated = out.AttackSurface.Evaluated && s.Evaluated
		out.AttackSurface.EntryPoints = append(out.AttackSurface.EntryPoints, s.EntryPoints...)
		out.AttackSurface.ExposedWorkloads = append(out.AttackSurface.ExposedWorkloads, s.ExposedWorkloads...)
		out.AttackSurface.ExposedPackages += s.ExposedPackages
		out.AttackSurface.Exploitable += s.Exploitable
		out.Run.Offline = out.Run.Offline && res.Run.Offline
		out.Run.DurationMS = max(out.Run.DurationMS, res.Run.DurationMS)
		out.Run.AsOf = max(out.Run.AsOf, res.Run.AsOf)
		if res.Run.Advisories != out.Run.Advisories {
			out.Run.Advisories = scanner.DataInfo{}
		}
	}
	slices.SortStableFunc(out.Packages, func(a, b inventory.Package) int { return strings.Compare(string(a.ID), string(b.ID)) })
	out.Sort()
	distinct(out.Findings)
	out.Summarize()
	out.Normalize()
	return out
}

// repositoryName is the name under which a repository stands in a merged result: its own, else that of the file; a second
// one of the same name gets a number.
func repositoryName(res *scanner.Result, file string, taken map[string]bool) string {
	name := path.Base(strings.TrimSuffix(res.Target.Repository, ".git"))
	if res.Target.Repository == "" {
		name = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	name = cmp.Or(strings.Trim(name, "./"), "repository")
	unique := name
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	taken[unique] = true
	return unique
}

// distinct tells equal fingerprints of several repositories apart, as those of one are.
func distinct(findings []scanner.Finding) {
	seen := map[string]int{}
	for i := range findings {
		f := &findings[i]
		bare, _, _ := strings.Cut(f.Fingerprint, "/")
		seen[bare]++
		f.Fingerprint = bare
		if n := seen[bare]; n > 1 {
			f.Fingerprint = fmt.Sprintf("%s/%d", bare, n)
		}
	}
}
