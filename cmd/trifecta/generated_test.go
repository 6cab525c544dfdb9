package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/internal/golden"
)

// generated is a table of a document that is written from a file: `<!-- inputs of action.yml -->` up to `<!-- end -->`.
var generated = regexp.MustCompile(`(?s)(<!-- (inputs|outputs) of (\S+) -->\n)(.*?)(<!-- end -->)`)

// TestGeneratedTables compares the tables of inputs and outputs with the files that declare them; make docs writes them anew.
func TestGeneratedTables(t *testing.T) {
	root := filepath.Join("..", "..")
	tables := map[string]int{}
	for _, name := range []string{"README.md", "docs/github-action.md", "docs/gitlab.md"} {
		file := filepath.Join(root, filepath.FromSlash(name))
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		updated := generated.ReplaceAllStringFunc(string(text), func(block string) string {
			parts := generated.FindStringSubmatch(block)
			tables[name+" "+parts[2]+" "+parts[3]]++
			return parts[1] + "\n" + tableOf(t, filepath.Join(root, filepath.FromSlash(parts[3])), parts[2]) + "\n" + parts[5]
		})
		if golden.Update() && updated != string(text) {
			if err := os.WriteFile(file, []byte(updated), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(string(text), updated); diff != "" {
			t.Errorf("%s is not what the files say; make docs writes it anew (-document +files):\n%s", name, diff)
		}
	}
	for _, want := range []string{"docs/github-action.md inputs action.yml", "docs/github-action.md outputs action.yml"} {
		if tables[want] != 1 {
			t.Errorf("the table %q is there %d times", want, tables[want])
		}
	}
}

// tableOf writes the inputs or outputs of an action, or of a CI/CD component, in their order.
func tableOf(t *testing.T, file, what string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var declared struct {
		Inputs, Outputs yaml.Node
		Spec            struct{ Inputs yaml.Node }
	}
	if err := yaml.Unmarshal(data, &declared); err != nil { // the first document of a component is its spec
		t.Fatal(err)
	}
	node := &declared.Inputs
	switch {
	case what == "outputs":
		node = &declared.Outputs
	case node.Kind == 0:
		node = &declared.Spec.Inputs
	}
	var b strings.Builder
	if what == "inputs" {
		b.WriteString("| input | default | meaning |\n| --- | --- | --- |\n")
	} else {
		b.WriteString("| output | meaning |\n| --- | --- |\n")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		var one struct {
			Description string
			Default     string
		}
		if err := node.Content[i+1].Decode(&one); err != nil {
			t.Fatal(err)
		}
		if one.Description == "" {
			t.Errorf("%s: %s has no description", file, node.Content[i].Value)
		}
		words := strings.ReplaceAll(strings.Join(strings.Fields(one.Description), " "), "|", `\|`)
		if what == "outputs" {
			fmt.Fprintf(&b, "| `%s` | %s |\n", node.Content[i].Value, words)
			continue
		}
		value := ""
		if one.Default != "" {
			value = "`" + one.Default + "`"
		}
		if node.Content[i].Value == "version" { // a release changes it, and nothing but that and its checksums
			value = "the release of this commit, else `source`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", node.Content[i].Value, value, words)
	}
	return b.String()
}
