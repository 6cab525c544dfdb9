package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// explainOptions are what explain takes on top of scan.
type explainOptions struct {
	scan   scanOptions
	from   string
	port   int
	format string
}

func (a *app) explainCommand() *cobra.Command {
	var opts explainOptions
	cmd := &cobra.Command{
		Use:   "explain ID [DIR]",
		Short: "Says why: of a finding, rule, advisory, package or resource",
		Long: `explain says why. ID is the fingerprint of a finding, a rule or an advisory by any of its names, a package by
its name or package URL, or the address of a resource in the notation of its language. A resource is
explained hop by hop: the path from the internet (or from --from) with the rules that let it pass, or what
blocks it and what would open it.`,
		Example: `  trifecta explain aws_instance.app
  trifecta explain aws_db_instance.orders infra --from aws_instance.app --port 5432
  trifecta explain lodash
  trifecta explain CVE-2021-44228 --format json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 2 {
				dir = args[1]
			}
			return a.explain(cmd, args[0], dir, &opts)
		},
	}
	opts.scan.registerInputs(cmd)
	f := cmd.Flags()
	f.StringVar(&opts.from, "from", string(network.Internet), "for a resource: where the connection comes from, an `ADDRESS` or internet")
	f.IntVar(&opts.port, "port", 0, "for a resource: the port `N` that is asked about (default any)")
	f.StringVar(&opts.format, "format", "text", "`FORMAT` of the answer: text or json")
	return cmd
}

func (a *app) explain(cmd *cobra.Command, id, dir string, opts *explainOptions) error {
	if opts.format != "text" && opts.format != "json" {
		return usage("", "--format: %q is none of text, json", opts.format)
	}
	if opts.port < 0 || opts.port > 65535 {
		return usage("", "--port: %d is no port; use 1 to 65535", opts.port)
	}
	ctx := cmd.Context()
	done, err := a.scan(ctx, dir, &opts.scan)
	if err != nil {
		return err
	}
	res, world := done.res, done.world
	if answers := world.explain(inventory.ID(id), inventory.ID(opts.from), opts.port); len(answers) > 0 {
		if len(answers) > 1 {
			return usage("name a smaller folder, or one of them as ROOT:ADDRESS: "+strings.Join(roots(answers), ", "), "%s stands in %d roots", id, len(answers))
		}
		if opts.format == "json" {
			return a.printJSON(answers[0])
		}
		return report.Explain(a.out, &answers[0], a.terminal())
	}
	if cmd.Flags().Changed("from") || opts.port != 0 {
		return usage("trifecta graph lists what there is", "%s is no resource that the network knows", id)
	}
	if findings := findingsNamed(res, id); len(findings) > 0 {
		if opts.format == "json" {
			return a.printJSON(map[string]any{"findings": findings})
		}
		return report.ExplainFindings(a.out, res, findings, a.terminal())
	}
	if packages := packagesNamed(res, id); len(packages) > 0 {
		if opts.format == "json" {
			return a.printJSON(map[string]any{"packages": packages})
		}
		for _, p := range packages {
			if err := report.ExplainPackage(a.out, res, p, a.terminal()); err != nil {
				return err
			}
		}
		return nil
	}
	if rule, ok := ruleNamed(id); ok {
		if opts.format == "json" {
			return a.printJSON(map[string]any{"rule": rule})
		}
		_, err := fmt.Fprintf(a.out, "%s  %s\n  %s\n%s\n%s\n", strings.Join(append([]string{rule.ID}, rule.Aliases...), ", "), rule.Severity, rule.Title, rule.Help, rule.URL)
		return err
	}
	return usage("an id is a fingerprint, a rule, an advisory, a package or the address of a resource", "nothing in %s is named %s", dir, id)
}

// printJSON writes one value as people read it.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// findingsNamed returns the findings with a fingerprint, a rule or an advisory of this name.
func findingsNamed(res *scanner.Result, id string) []*scanner.Finding {
	var found []*scanner.Finding
	for i := range res.Findings {
		f := &res.Findings[i]
		names := append(f.IDs(), res.RuleAliases(f.RuleID)...)
		if f.Fingerprint == id || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, id) }) {
			found = append(found, f)
		}
	}
	return found
}

// packagesNamed returns the packages of a package URL, with or without version, or of a name.
func packagesNamed(res *scanner.Result, id string) []*inventory.Package {
	var found []*inventory.Package
	for i := range res.Packages {
		p := &res.Packages[i]
		bare, _, _ := strings.Cut(p.PURL, "?")
		unversioned := bare
		if at := strings.LastIndexByte(bare, '@'); at > strings.LastIndexByte(bare, '/') {
			unversioned = bare[:at]
		}
		if slices.Contains([]string{string(p.ID), bare, unversioned, p.Name, p.Name + "@" + p.Version}, id) {
			found = append(found, p)
		}
	}
	return found
}

// ruleNamed returns the rule of ours with this id or alias.
func ruleNamed(id string) (scanner.Rule, bool) {
	for _, list := range ruleLists {
		for _, rule := range list {
			if strings.EqualFold(rule.ID, id) || slices.ContainsFunc(rule.Aliases, func(alias string) bool { return strings.EqualFold(alias, id) }) {
				return rule, true
			}
		}
	}
	return scanner.Rule{}, false
}

func roots(answers []network.Result) []string {
	var names []string
	for _, r := range answers {
		names = append(names, path.Dir(r.Location.Path))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
