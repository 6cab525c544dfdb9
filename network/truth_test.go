package network_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
)

// truth is one file of labels for real templates; the README beside the files says what the fields mean.
type truth struct {
	ID     string   `yaml:"id"`
	Repo   string   `yaml:"repo"`
	Kind   string   `yaml:"kind"`
	Root   string   `yaml:"root"`
	Files  []string `yaml:"files"`
	Stacks []struct {
		Name       string            `yaml:"name"`
		Template   string            `yaml:"template"`
		Parameters map[string]string `yaml:"parameters"`
	} `yaml:"stacks"`
	Given     map[string]any `yaml:"given"`
	Resources []struct {
		Address   string   `yaml:"address"`
		Verdict   string   `yaml:"verdict"`
		AppliesTo []string `yaml:"applies_to"`
		Accept    []string `yaml:"accept"`
		BlockedBy []string `yaml:"blocked_by"`
		Entries   []struct {
			Proto      string `yaml:"proto"`
			Ports      string `yaml:"ports"`
			TargetPort string `yaml:"target_port"`
			Family     string `yaml:"family"`
		} `yaml:"entries"`
	} `yaml:"resources"`
}

// codesOf says which of our codes mean what a truth file calls a blocker.
var codesOf = map[string][]string{
	"no-public-ip": {network.NoPublicAddress}, "no-igw-route": {network.NoRoute}, "nat-only": {network.ReturnNotViaIGW}, "egress-only-igw": {network.EgressOnly},
	"isolated-vpc": {network.NoInternetGateway, network.NoRoute}, "sg": {network.SGNoMatch}, "nacl": {network.NACLDenyIn, network.NACLDenyOut},
	"not-publicly-accessible": {network.NotPubliclyAccessible, network.EndpointPrivate}, "no-listener": {network.LBNoListener, network.NoFront, network.NoPublicAddress}, "no-targets": {network.LBNoTarget},
	"internal-lb": {network.LBInternal}, "no-stage": {network.NoFront}, "no-trigger": {network.NoFront}, "peering-not-transitive": {network.PeeringNotTransitive},
	"not-deployed": {network.NotCreated},
}

// asModule says which node stands for a module of the registry whose source is not in the archive.
func (x truth) asModule(g *network.Graph, address string) []network.Result {
	if answers := g.Explain(inventory.ID(address), ""); len(answers) > 0 {
		return answers
	}
	var inside []network.Result
	for _, r := range g.Results() {
		if rest, ok := strings.CutPrefix(string(r.Address), address); ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "[")) {
			inside = append(inside, r)
		}
	}
	return inside
}

func TestTruth(t *testing.T) {
	dir := shared.Dir(t)
	files, err := filepath.Glob(filepath.Join(dir, "corpus", "truth", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no truth files: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x truth
		if err := yaml.Unmarshal(data, &x); err != nil {
			t.Fatal(err)
		}
		t.Run(x.ID, func(t *testing.T) {
			x.check(t, filepath.Join(dir, "corpus", strings.ReplaceAll(x.Repo, "/", "+")+".tar.gz"))
		})
	}
}

func (x truth) check(t *testing.T, archive string) {
	tree, err := inventory.NewTree(t.Context(), x.read(t, archive), inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tf := terraform.Source{Repositories: []string{"https://github.com/" + x.Repo}}
	if file, ok := x.Given["tfvars"].(string); ok {
		tf.VarFiles = []string{file}
	}
	cfn := cloudformation.Source{}
	for _, s := range x.Stacks {
		cfn.Stacks = append(cfn.Stacks, cloudformation.Stack{Name: s.Name, Template: s.Template, Parameters: s.Parameters})
	}
	inv, err := inventory.Read(t.Context(), tree, tf, cfn)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range inv.Notices {
		t.Logf("notice %s: %s", n.Code, n.Message)
	}
	t.Logf("%d resources of %d files", len(inv.Resources), len(tree.Files()))
	if x.Root != "" {
		inv.Resources = slices.DeleteFunc(inv.Resources, func(r *inventory.Resource) bool { return r.Root != x.Root })
	}
	g := network.Build(aws.Build(inv.Resources), kube.Read(inv.Resources))
	for _, want := range x.Resources {
		if strings.HasPrefix(want.Address, "aws_nat_gateway.") {
			continue // takes no connections; an answer is not asked for
		}
		addresses := want.AppliesTo
		if len(addresses) == 0 {
			addresses = []string{want.Address}
		}
		for _, address := range addresses {
			answers := x.asModule(g, address)
			if len(answers) == 0 {
				if !slices.Contains(want.Accept, "absent") {
					t.Errorf("%s has no answer", address)
				}
				continue
			}
			if trouble := x.compare(want.Verdict, want.Accept, want.BlockedBy, answers); trouble != "" {
				t.Errorf("%s: %s", address, trouble)
			}
			if want.Verdict != "reachable" {
				continue
			}
			for _, e := range want.Entries {
				for _, port := range strings.Split(e.Ports, ",") {
					name := e.Proto + "/" + strings.TrimSpace(port)
					if !slices.ContainsFunc(answers, func(r network.Result) bool { return r.Reachable != network.Yes || slices.Contains(r.Ports, name) }) {
						t.Errorf("%s: ports %v without %s", address, answers[0].Ports, name)
					}
				}
			}
		}
	}
}

func (truth) compare(want string, accept, blockedBy []string, answers []network.Result) string {
	verdict := map[string]bool{}
	for _, r := range answers {
		switch {
		case r.Reachable == network.Unknown:
			verdict["unknown"] = true
		case r.Reachable == network.No:
			verdict["not_reachable"] = true
		case r.Breadth == network.BreadthRestricted:
			verdict["restricted"] = true
		default:
			verdict["reachable"] = true
		}
	}
	hit := verdict[want] || slices.ContainsFunc(accept, func(a string) bool { return verdict[a] })
	if want == "not_reachable" && (verdict["reachable"] || verdict["unknown"]) && !slices.ContainsFunc(accept, func(a string) bool { return verdict[a] }) {
		hit = false
	}
	if !hit {
		return fmt.Sprintf("verdict %v, want %s: ports %v, blocked %v, unknown %v", answers[0].Reachable, want, answers[0].Ports, answers[0].Blocked, answers[0].Unknown)
	}
	if want == "not_reachable" && len(blockedBy) > 0 {
		for _, r := range answers {
			for _, b := range r.Blocked {
				for _, name := range blockedBy {
					if slices.Contains(codesOf[name], b.Code) {
						return ""
					}
				}
			}
		}
		if verdict["not_reachable"] {
			return fmt.Sprintf("blocked by %v, want one of %v", answers[0].Blocked, blockedBy)
		}
	}
	return ""
}

// read returns the files of the template set, and those beside them: out of the archive of its repository, or, where that
// leaves them out, out of a checkout in the folder that TRIFECTA_REPOSITORIES names.
func (x truth) read(t *testing.T, archive string) fs.FS {
	folders := map[string]bool{}
	for _, name := range x.Files {
		folders[path.Dir(name)] = true
	}
	files := fstest.MapFS{}
	keep := func(name string, data []byte) {
		if folders[path.Dir(name)] && len(data) < 1<<20 && (len(x.Stacks) == 0 || slices.Contains(x.Files, name)) {
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	unpack(t, archive, keep)
	if _, ok := files[x.Files[0]]; ok {
		return files
	}
	checkout := filepath.Join(os.Getenv("TRIFECTA_REPOSITORIES"), strings.ReplaceAll(x.Repo, "/", "+"))
	if _, err := os.Stat(filepath.Join(checkout, x.Files[0])); os.Getenv("TRIFECTA_REPOSITORIES") == "" || err != nil {
		t.Skipf("the templates of %s are not in its archive; TRIFECTA_REPOSITORIES names no folder with a checkout", x.Repo)
	}
	for folder := range folders {
		entries, err := os.ReadDir(filepath.Join(checkout, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.Type().IsRegular() {
				continue
			}
			data, err := os.ReadFile(filepath.Join(checkout, folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			keep(path.Join(folder, e.Name()), data)
		}
	}
	return files
}

// unpack calls keep for the files of an archive. An archive that is not there has none.
func unpack(t *testing.T, archive string, keep func(name string, data []byte)) {
	f, err := os.Open(archive)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(unzipped); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.FileInfo().Mode().IsRegular() {
			continue
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(h.Name, "/")
		keep(name, data)
	}
}
