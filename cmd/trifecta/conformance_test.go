package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

// TestExplainConformance asks `explain ADDRESS DIR --format json` about every label of the reachability cases, the shared
// ones and those of package network, and compares by the rules of their README.
func TestExplainConformance(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("..", "..", "network", "testdata", "cases", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	if dir, ok := shared.Find(); ok {
		more, err := filepath.Glob(filepath.Join(dir, "design", "reach-cases", "S*"))
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, more...)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { explainCase(t, dir) })
	}
}

func explainCase(t *testing.T, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, "expect.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Resources []map[string]any `yaml:"resources"`
	}
	if err := yaml.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	getenv := func(name string) string {
		if name == "HOME" || name == "XDG_CACHE_HOME" {
			return home
		}
		return ""
	}
	for _, label := range want.Resources {
		address, _ := label["address"].(string)
		args := []string{"explain", address, dir, "--offline", "--format", "json"}
		if from, ok := label["from"].(string); ok {
			args = append(args, "--from", from)
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, streams{in: bytes.NewReader(nil), out: &out, err: io.Writer(&errs)}, getenv); code != 0 {
			t.Errorf("%v: exit code %d: %s", args, code, errs.String())
			continue
		}
		var got network.Result
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Errorf("%v prints no result: %v", args, err)
			continue
		}
		compareLabel(t, label, &got)
	}
}

// compareLabel compares one result with its label. A key that the label leaves out is not compared.
func compareLabel(t *testing.T, label map[string]any, got *network.Result) {
	t.Helper()
	if verdict, _ := label["reachable"].(string); string(got.Reachable) != verdict {
		t.Errorf("%s from %q: %s, want %s (blocked %v, unknown %v)", got.Address, got.From, got.Reachable, verdict, got.Blocked, got.Unknown)
		return
	}
	switch got.Reachable {
	case network.Yes:
		for key, have := range map[string][]string{"ports": got.Ports, "target_ports": got.TargetPorts, "family": got.Family, "sources": got.Sources, "shields": got.Shields} {
			if wanted, ok := texts(label, key); ok && !slices.Equal(slices.Sorted(slices.Values(wanted)), slices.Sorted(slices.Values(have))) {
				t.Errorf("%s from %q: %s %v, want %v", got.Address, got.From, key, have, wanted)
			}
		}
		if path, ok := texts(label, "path"); ok && !slices.ContainsFunc(got.Paths, func(p network.Path) bool { return passes(p.Nodes, path) }) {
			t.Errorf("%s from %q: no path passes %v: %v", got.Address, got.From, path, got.Paths)
		}
		guards, _ := texts(label, "guards")
		for _, at := range guards {
			if !slices.ContainsFunc(got.Paths, func(p network.Path) bool {
				return slices.ContainsFunc(p.Guards, func(g network.Guard) bool { return string(g.At) == at })
			}) {
				t.Errorf("%s from %q: guard %s is not reported", got.Address, got.From, at)
			}
		}
	case network.No:
		if wanted := pairs(label, "blocked", "at"); len(wanted) > 0 && !slices.ContainsFunc(got.Blocked, func(b network.Block) bool {
			return slices.Contains(wanted, [2]string{b.Code, string(b.At)})
		}) {
			t.Errorf("%s from %q: blocked %v, want one of %v", got.Address, got.From, got.Blocked, wanted)
		}
	case network.Unknown:
		if wanted := pairs(label, "unknown", "ref"); len(wanted) > 0 && !slices.ContainsFunc(got.Unknown, func(u inventory.Reason) bool {
			return slices.Contains(wanted, [2]string{u.Code, u.Ref})
		}) {
			t.Errorf("%s from %q: unknown %v, want one of %v", got.Address, got.From, got.Unknown, wanted)
		}
	}
}

func texts(label map[string]any, key string) (list []string, ok bool) {
	raw, ok := label[key].([]any)
	for _, e := range raw {
		text, _ := e.(string)
		list = append(list, text)
	}
	return list, ok
}

func pairs(label map[string]any, key, at string) [][2]string {
	raw, _ := label[key].([]any)
	var list [][2]string
	for _, e := range raw {
		fields, _ := e.(map[string]any)
		code, _ := fields["code"].(string)
		where, _ := fields[at].(string)
		list = append(list, [2]string{code, where})
	}
	return list
}

// passes reports whether a path has the wanted nodes in order.
func passes(path []inventory.ID, wanted []string) bool {
	for _, id := range path {
		if len(wanted) > 0 && wanted[0] == string(id) {
			wanted = wanted[1:]
		}
	}
	return len(wanted) == 0
}
