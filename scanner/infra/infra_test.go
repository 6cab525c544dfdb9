package infra

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/automation"
	"github.com/trifecta-scanner/trifecta/inventory/builds"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// scan judges the folder dir by some checks.
func scan(t *testing.T, dir string, checks []Check) *scanner.Judgement {
	t.Helper()
	tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	inv, err := inventory.Read(t.Context(), tree, kubernetes.Source{}, automation.Source{}, builds.Source{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range inv.Notices {
		if strings.HasPrefix(dir, "testdata") && n.Code != "unknown-base-image" { // which the examples of images have on purpose
			t.Errorf("%s: %s", n.Code, n.Message)
		}
	}
	s := &Scanner{ReadFile: tree.ReadFile, Checks: checks}
	judgement, err := s.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	return judgement
}

var want = regexp.MustCompile(`# want ("(?:[^"\\]|\\.)*")`)

// TestExamples judges the examples of each rule by it alone: the findings are those that the comments of the lines want.
func TestExamples(t *testing.T) {
	for i := range Checks {
		rule := Checks[i].Rule
		t.Run(rule.ID, func(t *testing.T) {
			dir := filepath.Join("testdata", rule.ID)
			var names []string
			err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
				if err == nil && !entry.IsDir() && !strings.HasSuffix(name, ".golden") {
					name, err = filepath.Rel(dir, name)
					names = append(names, filepath.ToSlash(name))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			judgement := scan(t, dir, Checks[i:i+1])
			wanted, quiet := 0, 0
			for _, name := range names {
				n := compare(t, dir, name, judgement.Findings)
				if wanted += n; n == 0 {
					quiet++
				}
			}
			if wanted == 0 || quiet == 0 {
				t.Errorf("%s needs a bad example, with comments that say what is wanted, and a good one", dir)
			}
			for _, f := range judgement.Findings {
				if f.RuleID != rule.ID || f.Subject == "" || len(f.FingerprintKey) != 3 || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "%!") {
					t.Errorf("%+v", f)
				}
			}
			fixed(t, dir, Checks[i:i+1], judgement.Findings)
		})
	}
}

// compare holds the findings of a file against the comments of its lines, and returns how many are wanted. A comment alone
// on its line speaks of the next one: Dockerfiles have no others.
func compare(t *testing.T, dir, name string, findings []scanner.Finding) (wanted int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i := range lines {
		if i > 0 && strings.HasPrefix(lines[i-1], "# want") {
			lines[i] += " " + lines[i-1]
			lines[i-1] = ""
		}
	}
	for i, line := range lines {
		var messages []string
		for _, f := range findings {
			if f.Location.Path == name && f.Location.Line == i+1 {
				messages = append(messages, string(f.Severity)+" "+f.Message)
			}
		}
		matches := want.FindAllStringSubmatch(line, -1)
		wanted += len(matches)
		for _, m := range matches {
			text, err := strconv.Unquote(m[1])
			if err != nil {
				t.Fatalf("%s:%d: %v", name, i+1, err)
			}
			pattern := regexp.MustCompile(text)
			at := slices.IndexFunc(messages, pattern.MatchString)
			if at < 0 {
				t.Errorf("%s:%d: no finding matches %q among %q", name, i+1, text, messages)
				continue
			}
			messages = slices.Delete(messages, at, at+1)
		}
		for _, m := range messages {
			t.Errorf("%s:%d: not wanted: %s", name, i+1, m)
		}
	}
	return wanted
}

// fixed makes the edits of the findings, compares the files with those that end in .golden, and judges them again: what was
// fixed is gone, and nothing else came.
func fixed(t *testing.T, dir string, checks []Check, findings []scanner.Finding) {
	t.Helper()
	closed := 0
	after := t.TempDir()
	if err := os.CopyFS(after, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	edits := map[string][]scanner.Edit{}
	for _, f := range findings {
		if f.Fix != nil {
			closed++
			for _, e := range f.Fix.Edits {
				edits[e.Path] = append(edits[e.Path], e)
			}
		}
	}
	for name, list := range edits {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		slices.SortFunc(list, func(a, b scanner.Edit) int { return b.Line - a.Line })
		for _, e := range list {
			lines = slices.Replace(lines, e.Line-1, e.EndLine, e.Text)
		}
		text := []byte(strings.Join(lines, "\n"))
		golden.Check(t, filepath.Join(dir, name+".golden"), text)
		if err := os.WriteFile(filepath.Join(after, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if closed == 0 {
		return
	}
	if left := scan(t, after, checks).Findings; len(left) != len(findings)-closed {
		t.Errorf("of %d findings %d have a fix; with the fixes made there are %d: %+v", len(findings), closed, len(left), left)
	}
}

// BenchmarkScan judges 5,000 workloads by all rules.
func BenchmarkScan(b *testing.B) {
	inv := &inventory.Inventory{}
	for i := range 5000 {
		name := "web" + strconv.Itoa(i)
		text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n  replicas: 2\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n" +
			"      containers:\n      - name: web\n        image: shop/web:1.4\n        env: [{name: PORT, value: \"80\"}, {name: TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}]\n" +
			"        ports: [{containerPort: 80}]\n        securityContext: {runAsNonRoot: true}\n      volumes: [{name: data, emptyDir: {}}]\n"
		v := inventory.ReadYAML(name+".yaml", []byte(text))[0].Value
		inv.Resources = append(inv.Resources, &inventory.Resource{
			ID: inventory.ID("Deployment/shop/" + name), Type: "apps/v1/Deployment", Name: name, Language: inventory.Kubernetes, Root: name + ".yaml", Location: v.Location(), Values: v,
		})
	}
	s := &Scanner{}
	for b.Loop() {
		judgement, err := s.Scan(b.Context(), inv)
		if err != nil || len(judgement.Findings) < 5000 {
			b.Fatalf("%d findings, %v", len(judgement.Findings), err)
		}
	}
}

// TestRules holds what every rule has, and that ids are what they were: they never change.
func TestRules(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	seen := map[string]bool{}
	for i := range Checks {
		c := &Checks[i]
		if !form.MatchString(c.Rule.ID) || seen[c.Rule.ID] {
			t.Errorf("the id %q is not readable, or there twice", c.Rule.ID)
		}
		seen[c.Rule.ID] = true
		if c.Rule.Title == "" || c.Rule.Help == "" || c.Rule.URL == "" || len(c.Rule.Tags) == 0 || !slices.Contains(scanner.Severities, c.Rule.Severity) {
			t.Errorf("%s says too little: %+v", c.Rule.ID, c.Rule)
		}
		if c.Pod == nil && c.Container == nil && c.Object == nil && c.Role == nil && c.Binding == nil && c.Dockerfile == nil && c.Workflow == nil && c.Step == nil && c.Service == nil && c.Pipeline == nil {
			t.Errorf("%s looks at nothing", c.Rule.ID)
		}
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !seen[e.Name()] && e.Name() != "fuzz" {
			t.Errorf("testdata/%s is of no rule", e.Name())
		}
	}
}
