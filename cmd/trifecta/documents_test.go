package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/report"
)

// documentDay is the day of every command that a document shows, so that the output stays the same.
const documentDay = "1795305600" // 2026-11-22, in the seconds of SOURCE_DATE_EPOCH

// TestDocuments runs what the documents show. In a block marked console, a line that begins with "$ " is run in the
// module's root and the lines below it are what it prints; "..." stands for any lines. In a block marked sh, commands
// are not run, but their flags have to exist. With -update the shown lines are written anew.
func TestDocuments(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, name := range documents(t) {
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			updated := fence.ReplaceAllStringFunc(string(text), func(block string) string {
				parts := fence.FindStringSubmatch(block)
				if parts[1] == "sh" {
					checkFlags(t, parts[2])
					return block
				}
				return "```console\n" + checkOutput(t, parts[2]) + "```\n"
			})
			if golden.Update() && updated != string(text) {
				if err := os.WriteFile(name, []byte(updated), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var fence = regexp.MustCompile("(?m)^```(console|sh)\n((?s:.*?))^```\n")

func documents(t *testing.T) []string {
	t.Helper()
	names := []string{"README.md"}
	for _, folder := range []string{"docs", "examples"} {
		err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && filepath.Ext(name) == ".md" {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// arguments returns the arguments of a command line that calls this program, and false for other commands.
func arguments(line string) ([]string, bool) {
	for _, end := range []string{" #", " | ", " > ", " && ", " ||"} {
		line, _, _ = strings.Cut(line, end)
	}
	fields := strings.Fields(line)
	for _, program := range [][]string{{"go", "run", "./cmd/trifecta"}, {"bin/trifecta"}, {"trifecta"}} {
		if len(fields) >= len(program) && slices.Equal(fields[:len(program)], program) {
			return fields[len(program):], true
		}
	}
	return nil, false
}

func checkFlags(t *testing.T, block string) {
	t.Helper()
	for line := range strings.Lines(block) {
		args, ok := arguments(line)
		if !ok {
			continue
		}
		var out, errs bytes.Buffer
		// --help stops a command after its flags have been read.
		if code := run(t.Context(), append(args, "--help"), streams{out: &out, err: &errs}, noEnvironment); code != exitOK {
			t.Errorf("%s: exit code %d: %s", strings.TrimSpace(line), code, errs.String())
		}
	}
}

func checkOutput(t *testing.T, block string) string {
	t.Helper()
	var updated strings.Builder
	for _, part := range strings.SplitAfter("\n"+block, "\n$ ")[1:] {
		line, shown, _ := strings.Cut(strings.TrimSuffix(part, "\n$ "), "\n")
		updated.WriteString("$ " + line + "\n")
		args, ok := arguments(line)
		if !ok {
			t.Errorf("%s: a block marked console shows commands of trifecta; mark others sh", line)
			continue
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, streams{out: &out, err: &errs}, noEnvironment); code != exitOK {
			t.Errorf("%s: exit code %d: %s", line, code, errs.String())
		}
		got := strings.SplitAfter(out.String(), "\n")
		got = got[:len(got)-1]
		want := strings.SplitAfter(shown, "\n")
		want = want[:len(want)-1]
		// What stands above and below the dots is compared with as many lines of the output.
		head, tail := want, []string(nil)
		if dots := slices.Index(want, "...\n"); dots >= 0 {
			head, tail = want[:dots], want[dots+1:]
		} else if len(want) != len(got) && len(want) > 0 {
			t.Errorf("%s: prints %d lines, the document shows %d; write ... for lines left out", line, len(got), len(want))
		}
		if len(head)+len(tail) > len(got) {
			t.Errorf("%s: prints fewer lines than the document shows:\n%s", line, out.String())
			continue
		}
		gotHead, gotTail := got[:len(head)], got[len(got)-len(tail):]
		updated.WriteString(strings.Join(gotHead, ""))
		if len(head) < len(want) {
			updated.WriteString("...\n" + strings.Join(gotTail, ""))
		}
		if golden.Update() {
			continue
		}
		if diff := cmp.Diff(slices.Concat(head, tail), slices.Concat(gotHead, gotTail)); diff != "" {
			t.Errorf("%s (-document +output):\n%s", line, diff)
		}
	}
	return updated.String()
}

func noEnvironment(name string) string {
	if name == "SOURCE_DATE_EPOCH" {
		return documentDay
	}
	return ""
}

// TestDocumentedFormats holds the table of the README to the formats that exist.
func TestDocumentedFormats(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "### Formats\n")
	table, _, _ = strings.Cut(table, "\n### ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		if row[1] != "-o" {
			documented = append(documented, row[1])
		}
	}
	if diff := cmp.Diff(report.Names(), documented); diff != "" {
		t.Errorf("formats (-program +README):\n%s", diff)
	}
}
