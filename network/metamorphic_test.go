package network_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
)

// The tests of this file change declared networks in ways whose effect on the answer is known without knowing the answer.

// eachTerraformCase calls check with the files of every case that is Terraform alone.
func eachTerraformCase(t *testing.T, check func(t *testing.T, files map[string]string)) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join("testdata", "cases", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range dirs {
		files := map[string]string{}
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".tf" {
				return err
			}
			data, err := os.ReadFile(name)
			files[strings.TrimPrefix(filepath.ToSlash(name), filepath.ToSlash(dir)+"/")] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(files) > 0 {
			t.Run(filepath.Base(dir), func(t *testing.T) { check(t, files) })
		}
	}
}

func declared(t *testing.T, files map[string]string) []*inventory.Resource {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Read(t.Context(), tree, terraform.Source{})
	if err != nil {
		t.Fatal(err)
	}
	return inv.Resources
}

func answers(resources []*inventory.Resource) map[inventory.ID]network.Result {
	list := map[inventory.ID]network.Result{}
	for _, r := range network.Build(aws.Build(resources), kube.Read(resources)).Results() {
		list[r.Address] = r
	}
	return list
}

var rank = map[network.Verdict]int{network.No: 0, network.Unknown: 1, network.Yes: 2}

// TestOrderOfResourcesIsNothing shuffles what the sources found.
func TestOrderOfResourcesIsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	eachTerraformCase(t, func(t *testing.T, files map[string]string) {
		resources := declared(t, files)
		want, err := json.Marshal(answers(resources))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			shuffled := slices.Clone(resources)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			got, err := json.Marshal(answers(shuffled))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Fatalf("another order, another answer (-want +got):\n%s", diff)
			}
		}
	})
}

// TestNamesAreNothing gives a label another name everywhere.
func TestNamesAreNothing(t *testing.T) {
	name := regexp.MustCompile(`\bmain\b`)
	eachTerraformCase(t, func(t *testing.T, files map[string]string) {
		renamed := map[string]string{}
		for file, text := range files {
			renamed[file] = name.ReplaceAllString(text, "zulu")
		}
		before, after := answers(declared(t, files)), answers(declared(t, renamed))
		for id, r := range before {
			s, ok := after[inventory.ID(name.ReplaceAllString(string(id), "zulu"))]
			if !ok || s.Reachable != r.Reachable || !slices.Equal(s.Ports, r.Ports) || !slices.Equal(s.Sources, r.Sources) || s.Layers != r.Layers || s.Hops != r.Hops {
				t.Errorf("%s: %+v before, %+v under another name", id, r, s)
			}
		}
	})
}

// TestSplitRangesAreNothing writes the world as its halves.
func TestSplitRangesAreNothing(t *testing.T) {
	eachTerraformCase(t, func(t *testing.T, files map[string]string) {
		split := map[string]string{}
		for file, text := range files {
			split[file] = strings.ReplaceAll(text, `cidr_blocks = ["0.0.0.0/0"]`, `cidr_blocks = ["128.0.0.0/1", "0.0.0.0/1"]`)
		}
		before, after := answers(declared(t, files)), answers(declared(t, split))
		for id, r := range before {
			s := after[id]
			if s.Reachable != r.Reachable || !slices.Equal(s.Ports, r.Ports) || !slices.Equal(s.Sources, r.Sources) || s.Breadth != r.Breadth {
				t.Errorf("%s: %s %v %v before, %s %v %v with halves", id, r.Reachable, r.Ports, r.Sources, s.Reachable, s.Ports, s.Sources)
			}
		}
	})
}

// TestHiddenValuesOnlyBlur puts one value at a time behind a variable without default.
func TestHiddenValuesOnlyBlur(t *testing.T) {
	values := regexp.MustCompile(`(cidr_blocks|cidr_block|from_port|to_port|port|map_public_ip_on_launch|publicly_accessible|internal|protocol|rule_no|availability_zone) += +(\[[^\]]*\]|"[^"]*"|true|false|\d+)`)
	eachTerraformCase(t, func(t *testing.T, files map[string]string) {
		before := answers(declared(t, files))
		for file, text := range files {
			for k, at := range values.FindAllStringSubmatchIndex(text, -1) {
				if k%3 != 0 && testing.Short() {
					continue
				}
				hidden := map[string]string{}
				for name, text := range files {
					hidden[name] = text
				}
				hidden[file] = text[:at[4]] + "var.hidden" + text[at[5]:] + "\nvariable \"hidden\" {}\n"
				what := text[at[0]:at[1]]
				for id, s := range answers(declared(t, hidden)) {
					r, ok := before[id]
					if ok && s.Reachable != network.Unknown && s.Reachable != r.Reachable {
						t.Errorf("%s: %s before, %s where %q is not known (blocked %v)", id, r.Reachable, s.Reachable, what, s.Blocked)
					}
				}
			}
		}
	})
}

// TestAllowsNeverClose adds rules that let more in.
func TestAllowsNeverClose(t *testing.T) {
	groups := regexp.MustCompile(`resource "aws_security_group" "(\w+)"`)
	eachTerraformCase(t, func(t *testing.T, files map[string]string) {
		before := answers(declared(t, files))
		wider := map[string]string{}
		for file, text := range files {
			var b strings.Builder
			b.WriteString(text)
			for i, m := range groups.FindAllStringSubmatch(text, -1) {
				fmt.Fprintf(&b, "\nresource \"aws_vpc_security_group_ingress_rule\" \"more%d\" {\n  security_group_id = aws_security_group.%s.id\n  cidr_ipv4 = \"0.0.0.0/0\"\n  ip_protocol = \"tcp\"\n  from_port = 9443\n  to_port = 9443\n}\n", i, m[1])
			}
			wider[file] = b.String()
		}
		after := answers(declared(t, wider))
		for id, r := range before {
			if rank[after[id].Reachable] < rank[r.Reachable] {
				t.Errorf("%s: %s before, %s with one more rule that allows", id, r.Reachable, after[id].Reachable)
			}
			for _, p := range r.Ports {
				if r.Reachable == network.Yes && !slices.ContainsFunc(after[id].Ports, func(q string) bool { return covers(q, p) }) {
					t.Errorf("%s: port %s is gone with one more rule that allows: %v", id, p, after[id].Ports)
				}
			}
		}
	})
}

// TestDeniesNeverOpen adds rules to network ACLs that deny first.
func TestDeniesNeverOpen(t *testing.T) {
	acls := regexp.MustCompile(`resource "aws_network_acl" "(\w+)"`)
	tried := 0
	eachTerraformCase(t, func(t *testing.T, files map[string]string) {
		before := answers(declared(t, files))
		for _, egress := range []bool{false, true} {
			closed := map[string]string{}
			for file, text := range files {
				var b strings.Builder
				b.WriteString(text)
				for i, m := range acls.FindAllStringSubmatch(text, -1) {
					tried++
					fmt.Fprintf(&b, "\nresource \"aws_network_acl_rule\" \"deny%d\" {\n  network_acl_id = aws_network_acl.%s.id\n  rule_number = 1\n  egress = %v\n  protocol = \"tcp\"\n  rule_action = \"deny\"\n  cidr_block = \"128.0.0.0/1\"\n  from_port = 443\n  to_port = 40000\n}\n", i, m[1], egress)
				}
				closed[file] = b.String()
			}
			for id, s := range answers(declared(t, closed)) {
				if r := before[id]; rank[s.Reachable] > rank[r.Reachable] {
					t.Errorf("%s: %s before, %s with one more rule that denies", id, r.Reachable, s.Reachable)
				}
			}
		}
	})
	if tried == 0 {
		t.Error("no case has a network ACL")
	}
}

func covers(q, p string) bool {
	a, lo1, hi1, ok1 := network.ParsePort(q)
	b, lo2, hi2, ok2 := network.ParsePort(p)
	return ok1 && ok2 && (a == "all" || a == b && lo1 <= lo2 && hi2 <= hi1)
}
