// Package infra judges declared infrastructure by rules: each is one value of type Check in a file of its own, listed in
// Checks.
//
// A check reads typed models and never the language that they come from, and opens no file. What is not known fails no
// check: it is a possible finding, one level lower, that names what is missing. A template that is rendered several times
// has one finding, at its line.
//
// To add a rule, write its file, list it in Checks and give it examples: testdata/ID with a bad file, whose bad lines carry
// the comment `# want "regexp"`, and a good one. docs/rules.md is made from the rules.
//
// # Limitations
//
// Whether an admission controller changes objects on their way into the cluster is not known; what it would set is asked
// for in the manifest.
package infra

import (
	"context"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Check is one rule with the code that judges by it. One of the functions is set; it says what is looked at.
type Check struct {
	Rule   scanner.Rule
	Pillar scanner.Pillar // empty is the layer
	// Example is one line of documentation: what is good instead.
	Example string

	Pod       func(*Pass, *kube.Workload)
	Container func(*Pass, *kube.Workload, *kube.Container)
	Object    func(*Pass, *kube.Object)
	Role      func(*Pass, *role)
	Binding   func(*Pass, *binding)

	Dockerfile func(*Pass, *dockerfile)
	Workflow   func(*Pass, *workflow)
	Step       func(*Pass, *workflow, *step)
	Service    func(*Pass, *inventory.Resource) // of a Compose file
	Pipeline   func(*Pass, *pipeline)
}

// Checks lists all checks, in the order of docs/rules.md.
var Checks = slices.Concat(podSecurityBaseline, podSecurityRestricted, hardening, accessControl, dockerfiles, workflows, composeFiles, pipelines)

// Rules returns the rules of all checks.
func Rules() []scanner.Rule {
	rules := make([]scanner.Rule, len(Checks))
	for i := range Checks {
		rules[i] = Checks[i].Rule
	}
	return rules
}

// Scanner judges the resources of an inventory. The zero value is ready to use.
type Scanner struct {
	// ReadFile returns the text of a file that was scanned; it is asked where a finding can be closed by a change of text.
	// Without it findings have no such fix.
	ReadFile func(name string) ([]byte, error)
	// Checks are those to judge by; nil is all.
	Checks []Check
}

// Name implements scanner.Scanner.
func (s *Scanner) Name() string { return "infra" }

// Scan implements scanner.Scanner.
func (s *Scanner) Scan(ctx context.Context, inv *inventory.Inventory) (*scanner.Judgement, error) {
	checks := s.Checks
	if checks == nil {
		checks = Checks
	}
	facts := newFacts(inv)
	texts := &texts{read: s.ReadFile, lines: map[string][]string{}}
	out := &scanner.Judgement{}
	for i := range checks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		pass := &Pass{check: &checks[i], facts: facts}
		pass.run()
		if found := pass.findings(texts); len(found) > 0 {
			out.Findings = append(out.Findings, found...)
			out.Rules = append(out.Rules, checks[i].Rule)
		}
	}
	return out, nil
}
