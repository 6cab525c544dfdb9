package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMigration runs every command that docs/migrate.md shows as ours, in a copy of the example: the page promises that.
func TestMigration(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "migrate.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := filepath.Abs(filepath.Join(examples, "three-tier"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.WriteFile("prod.tfvars", []byte("allowed = []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(line string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), strings.Fields(line)[1:], streams{out: &out, err: &errs}, noEnvironment)
		if code != exitOK && code != exitFindings {
			t.Errorf("%s: exit code %d: %s", line, code, &errs)
		}
	}
	do("trifecta sbom -o cyclonedx=bom.cdx.json -o spdx")
	ran := map[string]bool{}
	for _, span := range regexp.MustCompile("`(trifecta [^`]+)`").FindAllStringSubmatch(string(page), -1) {
		line := span[1]
		if ran[line] || line == "trifecta db update" { // which asks the network
			continue
		}
		ran[line] = true
		if strings.HasPrefix(line, "trifecta init --baseline") {
			line = "trifecta init --baseline --offline --force"
		}
		do(line)
	}
	if len(ran) < 20 {
		t.Errorf("the page shows %d commands only", len(ran))
	}
	for _, written := range []string{"osv.json", "osv.html", "trivy.sarif", "snyk.json", "all.index", baselineFile} {
		if info, err := os.Stat(written); err != nil || info.Size() == 0 {
			t.Errorf("%s was not written: %v", written, err)
		}
	}
}
