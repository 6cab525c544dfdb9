package report_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	xhtml "golang.org/x/net/html"

	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// networked is sample with a network: a load balancer, what stands behind it, and a change that opened it.
func networked() *scanner.Result {
	res := sample()
	way := network.Path{
		Nodes:  []inventory.ID{network.Internet, "aws_lb.web", "aws_instance.bastion"},
		Guards: []network.Guard{{At: "aws_security_group.ssh", Rule: "ingress tcp/22 from 0.0.0.0/0", File: "infra/main.tf", Line: 44, Effect: "allow"}},
	}
	res.Workloads = []network.Result{
		{Address: "aws_db_instance.main", Kind: network.KindStore, Reachable: network.No, Hops: 1, Layers: 1, Blocked: []network.Block{{Code: "SG_NO_MATCH", At: "aws_security_group.db"}}},
		{Address: "aws_instance.bastion", Kind: network.KindWorkload, Reachable: network.Yes, Breadth: network.BreadthAny, Ports: []string{"tcp/22"}, Sources: []string{"0.0.0.0/0"},
			Paths: []network.Path{way}, Location: at("infra/main.tf", 20), Runs: []network.Run{{ID: "ami-0123456789abcdef0", Confidence: inventory.Declared}}},
		{Address: "aws_lb.web", Kind: network.KindProxy, Reachable: network.Unknown, Unknown: []inventory.Reason{{Code: inventory.VarNoDefault, Ref: "var.allowed"}}},
	}
	res.Network = &diagram.Drawing{
		Groups: []diagram.Group{{ID: "region:eu-central-1", Kind: diagram.Region, Label: "eu-central-1"}},
		Nodes: []diagram.Node{
			{ID: "aws_db_instance.main", Kind: "rds instance", Label: "aws_db_instance.main", Groups: []string{"region:eu-central-1"}, Exposure: diagram.Closed},
			{ID: "aws_instance.bastion", Kind: "instance", Label: "aws_instance.bastion", Groups: []string{"region:eu-central-1"}, Exposure: diagram.Open},
			{ID: "aws_lb.web", Kind: "application load balancer", Label: "aws_lb.web", Groups: []string{"region:eu-central-1"}, Exposure: diagram.Possible},
			{ID: network.Internet, Kind: "internet", Label: "Internet", Groups: []string{}},
		},
		Edges: []diagram.Edge{{From: network.Internet, To: "aws_lb.web", Kind: diagram.Exposes}, {From: "aws_lb.web", To: "aws_instance.bastion", Kind: diagram.Exposes, Label: "tcp/22"}},
	}
	res.AttackSurface = scanner.AttackSurface{
		Evaluated: true, EntryPoints: []scanner.EntryPoint{{Address: "aws_instance.bastion", Ports: []string{"tcp/22"}, Sources: []string{"0.0.0.0/0"}}},
		ExposedWorkloads: []inventory.ID{"aws_instance.bastion"}, ExposedPackages: 3, Exploitable: 1,
		Change: &scanner.SurfaceChange{EntryPoints: 1, ExposedWorkloads: 1, Closed: []inventory.ID{"aws_instance.old"},
			Opened: []scanner.Opening{{Address: "aws_instance.bastion", Was: "no", Ports: []string{"tcp/22"}, Breadth: "any", Path: &way, Location: at("infra/main.tf", 20)}}},
	}
	return res
}

// besieged is hostile with a network, as a saved result that somebody wrote by hand has one.
func besieged() *scanner.Result {
	res := hostile()
	const evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b]]>--></style>"
	way := network.Path{Nodes: []inventory.ID{evil, evil}, Guards: []network.Guard{{At: evil, Rule: evil, File: evil, Line: 1, Effect: evil}}}
	res.Workloads = []network.Result{{
		Address: evil, Reachable: evil, Kind: evil, Ports: []string{evil}, PossiblePorts: []string{evil}, Sources: []string{evil}, Shields: []string{evil}, Assumptions: []string{evil},
		Paths: []network.Path{way}, Blocked: []network.Block{{Code: evil, At: evil}}, Unknown: []inventory.Reason{{Code: evil, Ref: evil}}, Root: evil, Location: at(evil, 1), Runs: []network.Run{{ID: evil, Confidence: evil}},
	}}
	res.Network = &diagram.Drawing{
		Groups: []diagram.Group{{ID: "a", Parent: "b", Kind: evil, Label: evil, Tier: evil, Zone: evil, CIDR: evil}, {ID: "b", Parent: "a"}, {ID: "a", Parent: "a"}, {ID: "", Parent: ""}, {ID: evil, Parent: "b"}},
		Nodes:  []diagram.Node{{ID: evil, Kind: evil, Label: evil, Groups: []string{evil, "a", "nowhere"}, Exposure: evil, Members: []inventory.ID{evil, evil}, Location: ptr(at(evil, 1))}, {ID: evil}},
		Edges:  []diagram.Edge{{From: evil, To: evil, Kind: evil, Label: evil}, {From: "a", To: evil}},
	}
	res.AttackSurface = scanner.AttackSurface{Evaluated: true, EntryPoints: []scanner.EntryPoint{{Address: evil, Ports: []string{evil}, Sources: []string{evil}, Shields: []string{evil}}},
		Change: &scanner.SurfaceChange{Opened: []scanner.Opening{{Address: evil, Was: evil, Ports: []string{evil}, Breadth: evil, Removed: []string{evil}, Path: &way, Location: at(evil, 1)}}, Closed: []inventory.ID{evil}}}
	res.MachineImages = []inventory.MachineImage{{ID: evil, Form: evil, Name: evil, CreatedAt: evil, DeprecatedAt: evil, EndOfLife: evil, Replacement: evil, Workloads: []inventory.ID{evil}}}
	for i := range res.Findings {
		res.Findings[i].Fingerprint, res.Findings[i].Severity, res.Findings[i].Subject = evil, evil, evil
	}
	return res
}

func page(tb testing.TB, res *scanner.Result) string {
	tb.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, res, report.Options{}); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// The page holds no element or attribute that a name made, and no address that a browser would ask.
func TestHTMLHostile(t *testing.T) {
	for name, res := range map[string]*scanner.Result{"hostile": hostile(), "besieged": besieged()} {
		text := page(t, res)
		doc, err := xhtml.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		scripts := 0
		for n := range doc.Descendants() {
			if n.Type != xhtml.ElementNode {
				continue
			}
			switch n.Data {
			case "script":
				scripts++
			case "img", "link", "iframe", "object", "embed", "base", "image", "use", "foreignobject":
				t.Errorf("%s: <%s> is in the page", name, n.Data)
			}
			for _, a := range n.Attr {
				u, err := url.Parse(a.Val)
				switch {
				case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src":
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				case a.Key == "href" && (err != nil || !slices.Contains([]string{"", "http", "https"}, u.Scheme)):
					t.Errorf("%s: a link to %q", name, a.Val)
				}
			}
		}
		if scripts != 1 {
			t.Errorf("%s: %d scripts", name, scripts)
		}
		for _, r := range text {
			if r != '\n' && r != unicode.ReplacementChar && !unicode.IsPrint(r) {
				t.Errorf("%s: %q reaches the page", name, r)
				break
			}
		}
	}
}

// The policy names the digests of exactly what the page has: with others a browser shows a bare page.
func TestHTMLPolicy(t *testing.T) {
	text := page(t, networked())
	_, rest, _ := strings.Cut(text, `Content-Security-Policy" content="`)
	policy, _, _ := strings.Cut(rest, `"`)
	policy = html.UnescapeString(policy)
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	blocks := regexp.MustCompile(`(?s)<(style|script)>(.*?)</`).FindAllStringSubmatch(text, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d styles and scripts, want 3", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(policy, digest(b[2])) {
			t.Errorf("the policy does not allow a %s of the page", b[1])
		}
	}
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func TestHTMLSays(t *testing.T) {
	text := page(t, networked())
	for _, want := range []string{
		"<strong>1 (&#43;1)</strong> way in", "Opened by this change", "becomes reachable: tcp/22 from any address", "Closed by this change", "aws_instance.old",
		`id="node-1" class="node open" data-address="aws_instance.bastion"`, `data-node="node-1"`, "let through by aws_security_group.ssh: ingress tcp/22 from 0.0.0.0/0  infra/main.tf:44",
		"SG_NO_MATCH at aws_security_group.db", "VAR_NO_DEFAULT var.allowed", "What was not looked at",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, f := range networked().Findings {
		if !strings.Contains(text, fmt.Sprintf(`id="%s"`, f.Fingerprint)) {
			t.Errorf("no part of the page has the fingerprint of %s", f.RuleID)
		}
	}
}

func TestHTMLSize(t *testing.T) {
	const most = 6 << 20
	if n := len(page(t, many(t, 5000))); n > most {
		t.Errorf("a page of 5,000 findings has %d bytes, more than %d", n, most)
	}
}

// The page is opened by Chromium, where a script does what a reader does: filters, follows links, walks through the
// drawing by keyboard, changes the theme, measures contrast.
func TestHTMLInBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			browser = found
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium is installed")
	}
	if _, err := dump(t, browser, "<!DOCTYPE html><title>empty</title>", 800); err != nil {
		t.Skipf("Chromium does not start here: %v", err)
	}
	check, err := os.ReadFile("testdata/html-check.js")
	if err != nil {
		t.Fatal(err)
	}
	for name, res := range map[string]*scanner.Result{"sample": networked(), "many": many(t, 5000)} {
		for _, width := range []int{390, 820, 1440} {
			if name == "many" && width != 1440 {
				continue
			}
			t.Run(fmt.Sprintf("%s at %d", name, width), func(t *testing.T) {
				text := page(t, res)
				text = strings.Replace(text, "script-src ", "script-src "+digest(string(check))+" ", 1)
				text = strings.Replace(text, "</body>", "<script>"+string(check)+"</script></body>", 1)
				out, err := dump(t, browser, text, width)
				if err != nil {
					t.Fatal(err)
				}
				_, after, ok := strings.Cut(out, `<pre id="checked">`)
				if !ok {
					t.Fatal("the check did not run to its end")
				}
				if said, _, _ := strings.Cut(after, "</pre>"); said != "all is well" {
					t.Errorf("in the browser:\n%s", html.UnescapeString(said))
				}
			})
		}
	}
}

// dump opens a page in a window of some width and returns what has become of it once its scripts are done.
func dump(t *testing.T, browser, text string, width int) (string, error) {
	t.Helper()
	dir := t.TempDir()
	// No window of Chromium is as narrow as a telephone; a frame is. What the page posts ends up in the frame's page.
	frame := fmt.Sprintf(`<!DOCTYPE html><title>frame</title><script>addEventListener('message', (e) => { const p = document.createElement('pre'); p.id = 'checked'; p.textContent = e.data; document.body.append(p); });</script>
<iframe src="page.html" width="%d" height="900" style="border:0"></iframe>`, width)
	for name, content := range map[string]string{"page.html": text, "frame.html": frame} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--window-size=1500,1000", "--virtual-time-budget=20000", "--dump-dom", "file://"+filepath.Join(dir, "frame.html")) //nolint:gosec // found on PATH, and a folder of the test
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.Output()
	return string(out), err
}
