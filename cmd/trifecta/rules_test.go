package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/ami"
	"github.com/trifecta-scanner/trifecta/scanner/cloud"
	"github.com/trifecta-scanner/trifecta/scanner/exposure"
	"github.com/trifecta-scanner/trifecta/scanner/infra"
	"github.com/trifecta-scanner/trifecta/scanner/license"
)

// TestKnownRules finds the rules that the scanners declare in their source and are missing in ruleLists: a rule that is
// not known can't be named in a configuration.
func TestKnownRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "scanner", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)(?:\bID:\s*|^\s*rule\w+\s*=\s*)"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"`)
	known := knownRules()
	n := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range declared.FindAllStringSubmatch(string(text), -1) {
			if n++; !slices.Contains(known, match[1]) {
				t.Errorf("%s declares the rule %s, which ruleLists does not have", name, match[1])
			}
		}
	}
	if n == 0 {
		t.Error("no declared rules were found")
	}
}

// rulesHead is how docs/rules.md begins.
const rulesHead = `# Rules

<!-- made from the rules of the scanners; go test -run TestRulesDocument ./cmd/trifecta -update -->

Rules are named in ` + "`severity` and `ignore`" + ` of [the configuration](configuration.md), and in comments such as
` + "`# trifecta:ignore RULE reason`" + `, by their id or by their number. Findings about packages have the ids of their advisories.

A rule that depends on what the code does not say gives a *possible* finding, one level lower. What a template or a module makes
several times has one finding for each place and address. *Related* names the controls of AWS Security Hub and of the CIS benchmark
(in brackets: its next version) and the practices of the Well-Architected Framework that bear on a rule; no rule certifies one.
`

// rulesDocument is docs/rules.md, with the rules that it lists.
func rulesDocument() (text string, listed []scanner.Rule) {
	var b strings.Builder
	b.WriteString(rulesHead)
	section := func(title, about string, rules []scanner.Rule) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| rule | severity | what is wrong | what to do |\n| --- | --- | --- | --- |\n", title, about)
		for _, r := range rules {
			name := fmt.Sprintf("<a id=%q></a>`%s`", r.ID, r.ID)
			if len(r.Aliases) > 0 {
				name += " " + strings.Join(r.Aliases, ", ")
			}
			help := strings.NewReplacer("|", "\\|", "\n\n", "<br>").Replace(r.Help)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, r.Severity, r.Title, help)
		}
		listed = append(listed, rules...)
	}
	section("Trifecta", "What follows from packages, infrastructure and network together; [ranking](ranking.md) says how.", exposure.Rules)
	for _, s := range cloud.Sections() {
		section(s.Title, s.Text, s.Rules)
	}
	section("Machine images", "The images that machines start from, and versions of what AWS runs.", ami.Rules)
	for _, s := range infra.Sections() {
		section(s.Title, s.Text, s.Rules)
	}
	section("Licences", "Judged where the configuration has a policy (`licenses`).", license.Rules)
	return b.String(), listed
}

// TestRulesDocument compares docs/rules.md with the rules. It lists each once, under the anchor that the rule's address names.
func TestRulesDocument(t *testing.T) {
	text, listed := rulesDocument()
	golden.Check(t, filepath.Join("..", "..", "docs", "rules.md"), []byte(text))
	count := map[string]int{}
	for _, r := range listed {
		count[r.ID]++
		if _, anchor, ours := strings.Cut(r.URL, "/docs/rules.md#"); ours && anchor != r.ID {
			t.Errorf("the address of %s is %s", r.ID, r.URL)
		}
	}
	all := 0
	for _, list := range ruleLists {
		for _, r := range list {
			if all++; count[r.ID] != 1 {
				t.Errorf("docs/rules.md lists %s %d times", r.ID, count[r.ID])
			}
		}
	}
	if all != len(listed) {
		t.Errorf("docs/rules.md lists %d rules of %d", len(listed), all)
	}
}
