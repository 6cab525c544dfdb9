package diagram

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Mermaid writes the drawing as a flowchart (https://mermaid.js.org/syntax/flowchart.html), as GitHub and GitLab render it
// in Markdown.
func Mermaid(w io.Writer, d *Drawing) error {
	d = d.Sound()
	out := bufio.NewWriter(w)
	t := newNesting(d)
	fmt.Fprintln(out, "flowchart TB")
	names := map[inventory.ID]string{}
	for i, n := range d.Nodes {
		names[n.ID] = fmt.Sprintf("n%d", i)
	}
	t.walk(func(g *Group, depth int, enter bool) {
		pad := strings.Repeat("  ", depth+1)
		if enter {
			fmt.Fprintf(out, "%ssubgraph g%d[\"%s\"]\n", pad, t.index[g.ID], mermaidText(title(g)))
			return
		}
		fmt.Fprintf(out, "%send\n", pad)
	}, func(n *Node, depth int) {
		open, end := "[", "]"
		if n.Kind == "internet" {
			open, end = "((", "))"
		}
		class := ""
		if n.Exposure != "" {
			class = ":::" + string(n.Exposure)
		}
		fmt.Fprintf(out, "%s%s%s\"%s\"%s%s\n", strings.Repeat("  ", depth+1), names[n.ID], open, mermaidText(caption(n)), end, class)
	})
	for _, e := range d.Edges {
		from, to := t.end(names, e.From), t.end(names, e.To)
		if from == "" || to == "" {
			continue
		}
		arrow := "-->"
		if e.Kind == Routes {
			arrow = "-.-"
		}
		if e.Label != "" {
			arrow += "|\"" + mermaidText(e.Label) + "\"|"
		}
		fmt.Fprintf(out, "  %s %s %s\n", from, arrow, to)
	}
	for _, c := range []struct {
		name         Exposure
		fill, stroke string
	}{{Open, "#fde2e1", "#c0362c"}, {Shielded, "#fff1d6", "#b7791f"}, {Possible, "#ece8fb", "#6b4fbb"}, {Closed, "#e6f4ea", "#2f7d4f"}} {
		fmt.Fprintf(out, "  classDef %s fill:%s,stroke:%s,color:#1b1f24\n", c.name, c.fill, c.stroke)
	}
	return out.Flush()
}

// mermaidText makes text safe inside of quotes: what Mermaid or HTML would act upon becomes an entity.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString("<br>")
		case r < ' ' || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r):
		case strings.ContainsRune("\"<>&#`;{}|\\[]()", r):
			fmt.Fprintf(&b, "#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// title is what a group is called.
func title(g *Group) string {
	parts := []string{g.Label}
	switch g.Kind {
	case VPC:
		parts = append(parts, g.CIDR)
	case Subnet:
		parts = append(parts, string(g.Tier), g.Zone, g.CIDR)
	case Namespace:
		parts = []string{"namespace " + g.Label}
	case Region, Cluster:
	}
	var shown []string
	for _, p := range parts {
		if p != "" {
			shown = append(shown, p)
		}
	}
	return strings.Join(shown, " · ")
}

// caption is what stands in a node: its name and, below, its kind.
func caption(n *Node) string {
	if n.Kind == "internet" || n.Kind == "" || strings.HasSuffix(n.Label, "× "+n.Kind) {
		return n.Label
	}
	return n.Label + "\n" + n.Kind
}

// nesting is a drawing as a tree: a node that spans several groups stands in the one around them.
type nesting struct {
	drawing  *Drawing
	index    map[string]int
	children map[string][]int // groups by their parent
	nodes    map[string][]int // nodes by their group
}

func newNesting(d *Drawing) *nesting {
	t := &nesting{d, map[string]int{}, map[string][]int{}, map[string][]int{}}
	parents := map[string]string{}
	for i, g := range d.Groups {
		t.index[g.ID] = i
		parents[g.ID] = g.Parent
		t.children[g.Parent] = append(t.children[g.Parent], i)
	}
	for i, n := range d.Nodes {
		group := ""
		for k, g := range n.Groups {
			if k == 0 {
				group = g
				continue
			}
			group = around(parents, group, g)
		}
		t.nodes[group] = append(t.nodes[group], i)
	}
	return t
}

// around returns the smallest group that holds two others.
func around(parents map[string]string, a, b string) string {
	above := map[string]bool{}
	for g := a; g != ""; g = parents[g] {
		above[g] = true
	}
	for g := b; g != ""; g = parents[g] {
		if above[g] {
			return g
		}
	}
	return ""
}

// walk visits groups, around what they hold, and nodes, in order. Groups with nothing in them are left out.
func (t *nesting) walk(group func(g *Group, depth int, enter bool), node func(n *Node, depth int)) {
	var visit func(id string, depth int)
	visit = func(id string, depth int) {
		for _, i := range t.nodes[id] {
			node(&t.drawing.Nodes[i], depth)
		}
		for _, i := range t.children[id] {
			g := &t.drawing.Groups[i]
			if t.empty(g.ID) {
				continue
			}
			group(g, depth, true)
			visit(g.ID, depth+1)
			group(g, depth, false)
		}
	}
	visit("", 0)
}

func (t *nesting) empty(id string) bool {
	if len(t.nodes[id]) > 0 {
		return false
	}
	for _, i := range t.children[id] {
		if !t.empty(t.drawing.Groups[i].ID) {
			return false
		}
	}
	return true
}

// end returns the name of what an edge leads to: a node, or a group that is shown.
func (t *nesting) end(names map[inventory.ID]string, id inventory.ID) string {
	if name, ok := names[id]; ok {
		return name
	}
	if i, ok := t.index[string(id)]; ok && !t.empty(string(id)) {
		return fmt.Sprintf("g%d", i)
	}
	return ""
}
