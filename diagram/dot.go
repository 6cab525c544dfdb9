package diagram

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// dotFill and dotLine are the colours of exposures, as the other formats have them.
var (
	dotFill = map[Exposure]string{Open: "#fde2e1", Shielded: "#fff1d6", Possible: "#ece8fb", Closed: "#e6f4ea"}
	dotLine = map[Exposure]string{Open: "#c0362c", Shielded: "#b7791f", Possible: "#6b4fbb", Closed: "#2f7d4f"}
)

// DOT writes the drawing for Graphviz (https://graphviz.org/doc/info/lang.html).
func DOT(w io.Writer, d *Drawing) error {
	d = d.Sound()
	out := bufio.NewWriter(w)
	t := newNesting(d)
	names := map[inventory.ID]string{}
	for i, n := range d.Nodes {
		names[n.ID] = fmt.Sprintf("n%d", i)
	}
	fmt.Fprint(out, "digraph network {\n  rankdir=TB;\n  compound=true;\n  graph [fontname=\"Helvetica\"];\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f8fa\", fontname=\"Helvetica\", fontsize=11];\n  edge [fontname=\"Helvetica\", fontsize=10];\n")
	anchor := map[int]string{} // a node inside of a group, which edges to the group need
	var within []int
	t.walk(func(g *Group, depth int, enter bool) {
		pad := strings.Repeat("  ", depth+1)
		if !enter {
			within = within[:len(within)-1]
			fmt.Fprintf(out, "%s}\n", pad)
			return
		}
		within = append(within, t.index[g.ID])
		fmt.Fprintf(out, "%ssubgraph cluster_%d {\n%s  label=%s;\n%s  style=rounded;\n", pad, t.index[g.ID], pad, dotText(title(g)), pad)
	}, func(n *Node, depth int) {
		for _, g := range within {
			if anchor[g] == "" {
				anchor[g] = names[n.ID]
			}
		}
		style := ""
		if n.Exposure != "" {
			style = fmt.Sprintf(", fillcolor=%q, color=%q", dotFill[n.Exposure], dotLine[n.Exposure])
		}
		if n.Kind == "internet" {
			style += ", shape=ellipse"
		}
		fmt.Fprintf(out, "%s%s [label=%s%s];\n", strings.Repeat("  ", depth+1), names[n.ID], dotText(caption(n)), style)
	})
	for _, e := range d.Edges {
		from, to, options := names[e.From], names[e.To], ""
		if from == "" || to == "" {
			group, ok := t.index[string(e.To)]
			if from == "" || !ok || anchor[group] == "" {
				continue
			}
			to, options = anchor[group], fmt.Sprintf("lhead=cluster_%d, ", group)
		}
		switch e.Kind {
		case Exposes:
			options += fmt.Sprintf("color=%q, label=%s", dotLine[Open], dotText(e.Label))
		case Routes:
			options += "style=dashed, dir=none"
		}
		fmt.Fprintf(out, "  %s -> %s [%s];\n", from, to, options)
	}
	fmt.Fprint(out, "}\n")
	return out.Flush()
}

// dotText quotes text for DOT, where a backslash starts an escape of its own.
func dotText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
