package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
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
