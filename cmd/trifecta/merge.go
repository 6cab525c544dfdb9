package main

import (
	"cmp"
	"fmt"
	"os"
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
		Use:   "merge RESULT.json|DIR...",
		Short: "Writes one report over the saved results of several repositories",
		Long: `merge puts the results of several repositories into one report. Each repository becomes a folder of its own name:
its paths begin with it. Findings keep their ranks, and the worst of all repositories comes first. A folder stands
for the .json files in it.`,
		Example: `  trifecta merge shop.json billing.json
  trifecta merge results -o markdown=organisation.md -o json=organisation.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			outputs, err := report.ParseOutputs(specs)
			if err != nil {
				return usage("", "%w", err)
			}
			files, err := resultFiles(args)
			if err != nil {
				return err
			}
			results := make([]*scanner.Result, len(files))
			for i, name := range files {
				if results[i], err = savedResult(name); err != nil {
					return err
				}
			}
			return a.write(outputs, merged(results, files))
		},
	}
	registerOutput(cmd, &specs, report.Names())
	return cmd
}

// resultFiles puts the results in a folder, in the order of their names, in the place of the folder.
func resultFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, unreadable(err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, unreadable(err)
		}
		before := len(files)
		for _, e := range entries {
			if !e.IsDir() && strings.HasSuffix(e.Name(), ".json") {
				files = append(files, filepath.Join(arg, e.Name()))
			}
		}
		if len(files) == before {
			return nil, usage("trifecta scan -o json=FILE writes a result", "%s holds no .json file", arg)
		}
	}
	return files, nil
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
