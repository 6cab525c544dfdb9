package kubernetes_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/chart"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
)

// The objects of repositories agree with those of `helm template` and `kustomize build`. The variable TRIFECTA_COMPARE names
// the folders of the repositories; helm and kustomize are taken from the path. docs/comparison.md has what came of it.
func TestSameAsTools(t *testing.T) {
	dirs := filepath.SplitList(os.Getenv("TRIFECTA_COMPARE"))
	if len(dirs) == 0 {
		t.Skip("TRIFECTA_COMPARE names no repositories to compare with helm and kustomize on")
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { compareWithTools(t, dir) })
	}
}

func compareWithTools(t *testing.T, dir string) {
	t.Helper()
	// A release of Helmfile has a name and values that the tool would have to be told.
	tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{}, "helmfile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }() // it was only read
	inv, err := kubernetes.Source{}.Read(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	type root struct{ dir, environment string }
	ours := map[root]map[string]string{}
	for _, r := range inv.Resources {
		if strings.HasSuffix(r.Type, "/HelmDependency") || r.Root == r.Location.Path {
			continue
		}
		at := root{r.Root, r.Environment}
		if ours[at] == nil {
			ours[at] = map[string]string{}
		}
		ours[at][identity(r.Values)] = canonical(t, r.Values)
	}
	roots, objects, equal := 0, 0, 0
	for at, have := range ours {
		out, ok := toolOutput(t, tree, dir, at.dir, at.environment)
		if !ok {
			continue
		}
		roots++
		want := map[string]string{}
		for _, doc := range inventory.ReadYAML("out", out) {
			if doc.Err != nil {
				t.Errorf("%s: %v", at.dir, doc.Err)
				continue
			}
			for _, v := range listed(doc.Value) {
				if kind, _ := v.Get("kind").Text(); kind == "CustomResourceDefinition" || kind == "" {
					continue
				}
				want[identity(v)] = canonical(t, v)
			}
		}
		for id := range want {
			objects++
			if diff := cmp.Diff(strings.Split(want[id], ","), strings.Split(have[id], ",")); diff != "" {
				t.Errorf("%s (%s) %s (-tool +ours):\n%s", at.dir, at.environment, id, diff)
				continue
			}
			equal++
		}
		for id := range have {
			if _, ok := want[id]; !ok {
				objects++
				t.Errorf("%s (%s): %s is only ours", at.dir, at.environment, id)
			}
		}
	}
	t.Logf("%s: %d roots, %d objects, %d equal, %d notices", filepath.Base(dir), roots, objects, equal, len(inv.Notices))
}

func listed(v inventory.Value) []inventory.Value {
	if items := v.Get("items"); items.Kind() == inventory.List {
		return items.Elements()
	}
	return []inventory.Value{v}
}

func identity(v inventory.Value) string {
	text := func(path ...string) string {
		s, _ := v.Get(path...).Text()
		return s
	}
	return text("apiVersion") + " " + text("kind") + " " + text("metadata", "namespace") + "/" + text("metadata", "name")
}

// canonical is an object as JSON with its keys in order, without what stands in secrets.
func canonical(t *testing.T, v inventory.Value) string {
	t.Helper()
	text, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	if raw["kind"] == "Secret" {
		for _, field := range []string{"data", "stringData"} {
			if data, ok := raw[field].(map[string]any); ok {
				for name := range data {
					data[name] = "hidden"
				}
			}
		}
	}
	text, err = json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// toolOutput returns what the tool for a root says; ok is false where there is none or it fails.
func toolOutput(t *testing.T, tree *inventory.Tree, dir, root, environment string) ([]byte, bool) {
	t.Helper()
	at := filepath.Join(dir, filepath.FromSlash(root))
	var cmd *exec.Cmd
	switch {
	case tree.Has(root + "/Chart.yaml"):
		name := ""
		data, err := tree.ReadFile(root + "/Chart.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range inventory.ReadYAML("Chart.yaml", data) {
			name, _ = doc.Value.Get("name").Text()
		}
		args := []string{"template", name, at, "--kube-version", chart.KubernetesVersion, "--skip-tests"}
		for _, base := range []string{"values-" + environment + ".yaml", "values." + environment + ".yaml", "values_" + environment + ".yaml", "values/" + environment + ".yaml"} {
			if environment != "" && tree.Has(root+"/"+base) {
				args = append(args, "--values", filepath.Join(at, base))
				break
			}
		}
		cmd = exec.CommandContext(t.Context(), "helm", args...)
	case tree.Has(root+"/kustomization.yaml") || tree.Has(root+"/kustomization.yml"):
		cmd = exec.CommandContext(t.Context(), "kustomize", "build", "--load-restrictor", "LoadRestrictionsNone", at)
	default:
		return nil, false
	}
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s fails: %.300s", cmd, failure.String())
		return nil, false
	}
	return out, true
}
