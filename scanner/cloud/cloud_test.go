package cloud

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/join"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// scan judges a folder by all rules.
func scan(t *testing.T, dir string) []scanner.Finding {
	t.Helper()
	tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	inv, err := inventory.Read(t.Context(), tree, terraform.Source{}, cloudformation.Source{}, kubernetes.Source{})
	if err != nil {
		t.Fatal(err)
	}
	model, cluster := aws.Build(inv.Resources), kube.Read(inv.Resources)
	results := network.Build(model, cluster).Results()
	runs(inv, model, cluster, results)
	s := Scanner{Model: model, Cluster: cluster, Results: results, Regions: []string{"eu-central-1"}, Network: true, Hosts: true, Read: tree.ReadFile}
	judgement, err := s.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	return judgement.Findings
}

// runs puts the images that workloads run into the network's answers.
func runs(inv *inventory.Inventory, model *aws.Model, cluster *kube.Model, results []network.Result) {
	runners, builds := join.AWSRunners(model, inv.Resources)
	runners = append(runners, join.KubeRunners(cluster)...)
	joined := join.Join(nil, builds, runners, nil)
	for i, runner := range runners {
		for k := range results {
			if results[k].Address != runner.Workload {
				continue
			}
			for _, run := range joined.Runs[i] {
				results[k].Runs = append(results[k].Runs, network.Run{ID: run.ID, Confidence: run.Confidence})
			}
		}
	}
}

var want = regexp.MustCompile(`# want ("(?:[^"\\]|\\.)*")`)

// TestExamples judges the examples of each rule: its findings are those that the comments of the lines want, and a folder
// without such comments has none.
func TestExamples(t *testing.T) {
	for i := range Checks {
		rule := Checks[i].Rule
		t.Run(rule.ID, func(t *testing.T) {
			folders, err := os.ReadDir(filepath.Join("testdata", rule.ID))
			if err != nil {
				t.Fatalf("the rule needs a bad example, with comments that say what is wanted, and a good one: %v", err)
			}
			good, bad := 0, 0
			for _, folder := range folders {
				wanted := example(t, filepath.Join("testdata", rule.ID, folder.Name()), rule.ID)
				if isBad := strings.HasPrefix(folder.Name(), "bad"); isBad != (wanted > 0) {
					t.Errorf("%s wants %d findings", folder.Name(), wanted)
				} else if isBad {
					bad++
				} else {
					good++
				}
			}
			if good == 0 || bad == 0 {
				t.Errorf("%d good and %d bad examples", good, bad)
			}
		})
	}
}

// example judges one folder by one rule, and returns how many findings its files want.
func example(t *testing.T, dir, rule string) (wanted int) {
	t.Helper()
	findings := of(scan(t, dir), rule)
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			wanted += compare(t, dir, name, findings)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Subject == "" || len(f.FingerprintKey) != 3 || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "%!") {
			t.Errorf("%+v", f)
		}
	}
	fixed(t, dir, rule, findings)
	return wanted
}

// of returns the findings of one rule.
func of(all []scanner.Finding, rule string) []scanner.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f scanner.Finding) bool { return f.RuleID != rule })
}

// compare holds the findings of a file against the comments of its lines, and returns how many are wanted. A comment alone
// on its line speaks of the next one.
func compare(t *testing.T, dir, name string, findings []scanner.Finding) (wanted int) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if i > 0 && strings.HasPrefix(lines[i-1], "# want") {
			line += lines[i-1]
		}
		if strings.HasPrefix(line, "# want") {
			continue
		}
		var messages []string
		for _, f := range findings {
			if f.Location.Path == filepath.ToSlash(relative) && f.Location.Line == i+1 {
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
			at := slices.IndexFunc(messages, regexp.MustCompile(text).MatchString)
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

// fixed makes the edits of the findings and judges the files again: what was fixed is gone, and nothing else came.
func fixed(t *testing.T, dir, rule string, findings []scanner.Finding) {
	t.Helper()
	closed := 0
	edits := map[string][]scanner.Edit{}
	for _, f := range findings {
		if f.Fix != nil && len(f.Fix.Edits) > 0 {
			closed++
			for _, e := range f.Fix.Edits {
				edits[e.Path] = append(edits[e.Path], e)
			}
		}
	}
	if closed == 0 {
		return
	}
	after := t.TempDir()
	if err := os.CopyFS(after, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for name, list := range edits {
		path := filepath.Join(after, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(data), "\n")
		slices.SortFunc(list, func(a, b scanner.Edit) int { return b.Line - a.Line })
		for _, e := range list {
			lines = slices.Replace(lines, e.Line-1, e.EndLine, e.Text)
		}
		if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if left := of(scan(t, after), rule); len(left) != len(findings)-closed {
		t.Errorf("of %d findings %d have an edit; with the edits made there are %d: %+v", len(findings), closed, len(left), left)
	}
}

// TestSet holds which texts a fix replaces: literals after a key, and neither expressions nor what they choose from.
func TestSet(t *testing.T) {
	for _, tt := range []struct {
		line, value, want string
	}{
		{"  publicly_accessible = true # why", "true", "  publicly_accessible = new # why"},
		{"      AssignPublicIp: ENABLED", "ENABLED", "      AssignPublicIp: new"},
		{`  "AuthType": "NONE",`, `"NONE"`, `  "AuthType": new,`},
		{"        - AssociatePublicIpAddress: true", "true", "        - AssociatePublicIpAddress: new"},
		{"  AssignPublicIp: !If [IsPublic, ENABLED, DISABLED]", "ENABLED", ""},
		{"  encrypted = var.encrypted ? true : false", "false", ""},
		{"  encrypted = local.encrypted", "local.encrypted[0]", ""},
		{`  policy = "${var.policy}"`, `"${var.policy}"`, ""},
	} {
		at := strings.Index(tt.line, tt.value) + 1
		where := inventory.Location{Path: "a", Line: 1, EndLine: 1, Column: max(at, 1), EndColumn: max(at, 1) + len(tt.value)}
		p := &pass{Scanner: Scanner{Read: func(string) ([]byte, error) { return []byte(tt.line + "\n"), nil }}, lines: map[string][]string{}}
		got := ""
		for _, e := range p.replace(where, "new") {
			got += strings.TrimSuffix(e.Text, "\n")
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.line, got, tt.want)
		}
	}
}

// TestStageOfFolder holds which folders name an environment.
func TestStageOfFolder(t *testing.T) {
	for path, want := range map[string]string{
		"live/prod/mysql": "production", "live/stage/mysql": "staging", "envs/eu-prod": "production", "live": "production", "prod/dev": "development",
		"production-grade-infrastructure/mysql": "", "products/web": "", ".": "", "": "",
	} {
		if got := stageOfFolder(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// TestRules holds what every rule has, and that each example is of a rule.
func TestRules(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	number := regexp.MustCompile(`^(NET|HOST)-\d{3}$`)
	seen := map[string]bool{}
	for i := range Checks {
		c := &Checks[i]
		if !form.MatchString(c.Rule.ID) || seen[c.Rule.ID] {
			t.Errorf("the id %q is not readable, or there twice", c.Rule.ID)
		}
		if len(c.Rule.Aliases) != 1 || !number.MatchString(c.Rule.Aliases[0]) || seen[c.Rule.Aliases[0]] {
			t.Errorf("%s has the numbers %q", c.Rule.ID, c.Rule.Aliases)
			continue
		}
		seen[c.Rule.ID], seen[c.Rule.Aliases[0]] = true, true
		if c.Rule.Title == "" || c.Rule.Help == "" || c.Kind == "" || c.Pillar == "" || c.run == nil || !slices.Contains(scanner.Severities, c.Rule.Severity) {
			t.Errorf("%s says too little: %+v", c.Rule.ID, c.Rule)
		}
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !seen[e.Name()] {
			t.Errorf("testdata/%s is of no rule", e.Name())
		}
	}
}
