package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestChangelog holds the notes to the form that changelog/README.md describes.
func TestChangelog(t *testing.T) {
	form := regexp.MustCompile(`\A# (Security|Breaking|Fix|Enhancement): [^\n]+[^.\n]\n\n[^#](?s:.+)#\d+\n\z`)
	notes, err := filepath.Glob(filepath.Join(root, "changelog", "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range notes {
		text, err := os.ReadFile(note)
		if err != nil {
			t.Fatal(err)
		}
		if !form.Match(text) {
			t.Errorf("%s is not in the form of changelog/README.md: a heading `# Fix: ...`, an empty line, sentences, the issue as #123", filepath.ToSlash(note))
		}
	}
}
