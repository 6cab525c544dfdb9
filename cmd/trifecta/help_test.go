package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands returns the root and every command that people see, but for those that cobra adds.
func commands(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "completion" && c.Name() != "help" {
			all = append(all, commands(c)...)
		}
	}
	return all
}

func TestHelp(t *testing.T) {
	a := &app{getenv: noEnvironment}
	for _, c := range commands(a.rootCommand()) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			var out, errs bytes.Buffer
			args := append(strings.Fields(c.CommandPath())[1:], "--help")
			if code := run(t.Context(), args, streams{out: &out, err: &errs}, noEnvironment); code != exitOK || errs.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, &errs)
			}
			text := out.String()
			lines := strings.Split(text, "\n")
			if len(lines) < 4 || lines[0] != c.Short || !strings.HasPrefix(lines[2], "  trifecta") && !strings.HasPrefix(lines[2], "  GITHUB_TOKEN") {
				t.Errorf("the help does not begin with what it is for and an example:\n%s", text)
			}
			for _, line := range lines {
				if len(line) > 130 {
					t.Errorf("a line of %d characters: %s", len(line), line)
				}
			}
			// What an example writes is read: its flags exist.
			checkFlags(t, strings.ReplaceAll(c.Example, "  trifecta", "trifecta"))
			if at := strings.Index(text, "Exit codes:"); at >= 0 && strings.Contains(text[at:], "\n      --") {
				t.Error("flags stand below the exit codes")
			}
		})
	}
}

// A flag of scan stands under a heading; one that has none is new, and its place is in flagGroups.
func TestHelpGroups(t *testing.T) {
	a := &app{getenv: noEnvironment}
	for _, g := range groupedFlags(a.scanCommand()) {
		if g.title == "Flags" {
			t.Errorf("these flags of scan stand in no group of flagGroups:\n%s", g.flags.FlagUsages())
		}
	}
}

func TestManualPages(t *testing.T) {
	write := func() map[string]string {
		dir := filepath.Join(t.TempDir(), "man1")
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"man", dir}, streams{out: &out, err: &errs}, noEnvironment); code != exitOK {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
		pages := map[string]string{}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			pages[f.Name()] = string(data)
		}
		return pages
	}
	pages, again := write(), write()
	a := &app{getenv: noEnvironment}
	for _, c := range commands(a.rootCommand()) {
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		page, ok := pages[name]
		if !ok {
			t.Errorf("there is no page %s", name)
			continue
		}
		if !strings.Contains(page, ".SH EXAMPLE") || !strings.Contains(page, `"Nov 2026"`) {
			t.Errorf("%s has no example, or another day than SOURCE_DATE_EPOCH", name)
		}
		if page != again[name] {
			t.Errorf("%s is another one the second time", name)
		}
	}
}
