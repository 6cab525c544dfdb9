package diagram

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Sizes of the picture, in pixels at 100 %.
const (
	nodeWidth  = 230
	nodeHeight = 40
	gap        = 14
	drop       = 26 // between the rows of a VPC and of the page, so that an arrow is seen
	padding    = 16
	heading    = 24 // the title line of a group
)

// SVG writes the drawing as one picture without scripts, fonts or anything from elsewhere. Its colours follow the reader's
// scheme, each node has its address as a title and id "node-N", so that a page can make it clickable.
func SVG(w io.Writer, d *Drawing) error {
	d = d.Sound()
	out := bufio.NewWriter(w)
	p := newPicture(d)
	p.layout()
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Declared network">`+"\n", p.width, p.height, p.width, p.height)
	fmt.Fprint(out, svgStyle)
	for _, b := range p.boxes {
		fmt.Fprintf(out, `<g class="group %s %s"><rect x="%d" y="%d" width="%d" height="%d" rx="8"/><text x="%d" y="%d">%s</text></g>`+"\n",
			xmlText(string(b.group.Kind)), xmlText(string(b.group.Tier)), b.x, b.y, b.w, b.h, b.x+padding/2, b.y+heading-8, xmlText(fitText(title(b.group), b.w*6/7-padding)))
	}
	for _, e := range d.Edges {
		p.edge(out, e)
	}
	for i := range d.Nodes {
		p.node(out, i)
	}
	fmt.Fprint(out, "</svg>\n")
	return out.Flush()
}

const svgStyle = `<style>
.group rect{fill:none;stroke:#8b949e;stroke-width:1}
.group text{font:600 12px system-ui,sans-serif;fill:#57606a}
.region rect{stroke-dasharray:6 4}
.subnet rect{fill:#8b949e14;stroke:#8b949e66}
.subnet.public rect{fill:#2f7d4f14;stroke:#2f7d4f66}
.subnet.private rect{fill:#2563a814;stroke:#2563a866}
.node rect,.node ellipse{fill:#f6f8fa;stroke:#57606a;stroke-width:1.2}
.node text{font:12px system-ui,sans-serif;fill:#1b1f24}
.node .kind{font-size:10px;fill:#57606a}
.node.open rect{fill:#fde2e1;stroke:#c0362c;stroke-width:2}
.node.shielded rect{fill:#fff1d6;stroke:#b7791f;stroke-width:2}
.node.possible rect{fill:#ece8fb;stroke:#6b4fbb;stroke-dasharray:5 3}
.node.closed rect{fill:#e6f4ea;stroke:#2f7d4f}
.edge{fill:none;stroke:#c0362c;stroke-width:1.6}
.edge.routes{stroke:#8b949e;stroke-dasharray:4 4}
.edge-label{font:10px system-ui,sans-serif;fill:#c0362c}
@media (prefers-color-scheme:dark){.group text,.edge-label{fill:#c9d1d9}.edge{stroke:#ff8a80}.edge.routes{stroke:#8b949e}}
</style>
<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#c0362c"/></marker></defs>
`

// box is the place of a group in the picture, or of a node.
type box struct {
	group      *Group
	x, y, w, h int
}

type picture struct {
	drawing       *Drawing
	tree          *nesting
	width, height int
	boxes         []box // of groups, outer ones first
	nodes         []box // of the drawing's nodes, by index
	byID          map[inventory.ID]*box
	groupAt       map[string]*box
	urgency       map[string]int // of groups: that of the most exposed thing inside
	leaving       map[inventory.ID]int
	left          map[inventory.ID]int // how many of leaving are drawn
}

func newPicture(d *Drawing) *picture {
	p := &picture{
		drawing: d, tree: newNesting(d), nodes: make([]box, len(d.Nodes)), byID: map[inventory.ID]*box{}, groupAt: map[string]*box{},
		urgency: map[string]int{}, leaving: map[inventory.ID]int{}, left: map[inventory.ID]int{},
	}
	parents := map[string]string{}
	for i := range d.Groups {
		parents[d.Groups[i].ID] = d.Groups[i].Parent
	}
	for i := range d.Nodes {
		for _, g := range d.Nodes[i].Groups {
			for ; g != "" && p.urgency[g] < urgency[d.Nodes[i].Exposure]; g = parents[g] {
				p.urgency[g] = urgency[d.Nodes[i].Exposure]
			}
		}
	}
	for _, e := range d.Edges {
		p.leaving[e.From]++
	}
	return p
}

// urgency orders what stands beside or below each other: what strangers reach is nearest to the internet.
var urgency = map[Exposure]int{Open: 4, Shielded: 3, Possible: 2, Closed: 1}

// layout places everything: the internet and what stands in no region on top, then regions and clusters below each other,
// those that strangers reach first.
func (p *picture) layout() {
	top := p.tree.nodes[""]
	slices.SortStableFunc(top, func(a, b int) int { return p.rank(a) - p.rank(b) })
	y, width := p.row(top, padding, padding, 5)
	for _, i := range p.inside("") {
		g := &p.drawing.Groups[i]
		if p.tree.empty(g.ID) {
			continue
		}
		if y > padding {
			y += drop - gap
		}
		w, h := p.place(g, padding, y)
		width = max(width, padding+w)
		y += h + gap
	}
	p.width, p.height = width+padding, y+padding
	for i := range p.drawing.Nodes {
		p.byID[p.drawing.Nodes[i].ID] = &p.nodes[i]
	}
	for i := range p.boxes {
		p.groupAt[p.boxes[i].group.ID] = &p.boxes[i]
	}
	slices.SortStableFunc(p.boxes, func(a, b box) int { return b.w*b.h - a.w*a.h }) // the larger behind
}

// inside returns the groups in a group, those that strangers reach first.
func (p *picture) inside(group string) []int {
	children := slices.Clone(p.tree.children[group])
	slices.SortStableFunc(children, func(a, b int) int { return p.urgency[p.drawing.Groups[b].ID] - p.urgency[p.drawing.Groups[a].ID] })
	return children
}

// rank puts the internet first, then what is public by nature.
func (p *picture) rank(i int) int {
	switch p.drawing.Nodes[i].Kind {
	case "internet":
		return 0
	case "distribution", "API", "internet gateway":
		return 1
	case "application load balancer", "network load balancer", "classic load balancer", "load balancer", "Ingress", "Gateway":
		return 2
	}
	return 3 + urgency[Open] - urgency[p.drawing.Nodes[i].Exposure]
}

// row places nodes beside each other, so many in a line, and returns where the next thing may stand and how far it
// reaches.
func (p *picture) row(nodes []int, x, y, columns int) (below, right int) {
	for k, i := range nodes {
		cx, cy := x+(k%columns)*(nodeWidth+gap), y+(k/columns)*(nodeHeight+gap)
		p.nodes[i] = box{x: cx, y: cy, w: nodeWidth, h: nodeHeight}
		right = max(right, cx+nodeWidth)
		below = cy + nodeHeight + gap
	}
	if len(nodes) == 0 {
		return y, x
	}
	return below, right
}

// place lays a group out with its upper left corner at x, y, and returns its size.
func (p *picture) place(g *Group, x, y int) (w, h int) {
	at := len(p.boxes)
	p.boxes = append(p.boxes, box{group: g, x: x, y: y})
	nodes := slices.Clone(p.tree.nodes[g.ID])
	slices.SortStableFunc(nodes, func(a, b int) int { return p.rank(a) - p.rank(b) })
	inner := y + heading + padding/2
	var right int
	if g.Kind == VPC {
		inner, right = p.vpc(g, nodes, x+padding, inner)
	} else {
		columns := 4
		if g.Kind == Subnet {
			columns = 1
		}
		inner, right = p.row(nodes, x+padding, inner, columns)
		for _, i := range p.inside(g.ID) {
			c := &p.drawing.Groups[i]
			if p.tree.empty(c.ID) {
				continue
			}
			cw, ch := p.place(c, x+padding, inner)
			right = max(right, x+padding+cw)
			inner += ch + gap
		}
	}
	w = max(right-x+padding, nodeWidth+2*padding)
	h = inner - y + padding/2
	p.boxes[at].w, p.boxes[at].h = w, h
	return w, h
}

// vpc lays out a VPC: what belongs to all of it on top, below a row for each tier with a column for each zone. What spans
// several subnets of a tier stands in a bar above them.
func (p *picture) vpc(g *Group, nodes []int, x, y int) (below, right int) {
	var zones []string
	cells := map[Tier]map[string][]*Group{}
	for _, i := range p.tree.children[g.ID] {
		s := &p.drawing.Groups[i]
		if !slices.Contains(zones, s.Zone) {
			zones = append(zones, s.Zone)
		}
		if cells[s.Tier] == nil {
			cells[s.Tier] = map[string][]*Group{}
		}
		cells[s.Tier][s.Zone] = append(cells[s.Tier][s.Zone], s)
	}
	slices.Sort(zones)
	tierOf := map[string]Tier{}
	for i := range p.drawing.Groups {
		tierOf[p.drawing.Groups[i].ID] = p.drawing.Groups[i].Tier
	}
	bars := map[Tier][]int{}
	var whole []int
	for _, i := range nodes {
		tier, same := Tier(""), true
		for k, group := range p.drawing.Nodes[i].Groups {
			same = same && (k == 0 || tierOf[group] == tier)
			tier = tierOf[group]
		}
		if same && tier != "" {
			bars[tier] = append(bars[tier], i)
		} else {
			whole = append(whole, i)
		}
	}
	const cellWidth = nodeWidth + 2*padding
	columns := max(len(zones), 1)
	y, right = p.row(whole, x, y, max(columns, 3))
	if len(whole) > 0 {
		y += drop - gap
	}
	for _, tier := range tiers {
		if len(cells[tier]) == 0 && len(bars[tier]) == 0 {
			continue
		}
		// What spans the zones is as wide as they are; what stands in doubt between subnets is not.
		for k, i := range bars[tier] {
			if k > 0 && urgency[p.drawing.Nodes[i].Exposure] > urgency[Closed] {
				y += drop - gap
			}
			p.nodes[i] = box{x: x, y: y, w: columns*cellWidth + (columns-1)*gap, h: nodeHeight}
			y += nodeHeight + gap
			right = max(right, x+p.nodes[i].w)
		}
		if len(bars[tier]) > 0 {
			y += drop - gap
		}
		height := 0
		for c, zone := range zones {
			cy := y
			for _, s := range cells[tier][zone] {
				_, h := p.place(s, x+c*(cellWidth+gap), cy)
				cy += h + gap
			}
			height = max(height, cy-y)
			if len(cells[tier][zone]) > 0 {
				right = max(right, x+c*(cellWidth+gap)+cellWidth)
			}
		}
		y += height
	}
	return y, right
}

func (p *picture) node(out io.Writer, i int) {
	n, b := &p.drawing.Nodes[i], p.nodes[i]
	shape := fmt.Sprintf(`<rect x="%d" y="%d" width="%d" height="%d" rx="6"/>`, b.x, b.y, b.w, b.h)
	label, kind := n.Label, n.Kind
	if n.Kind == "internet" {
		shape = fmt.Sprintf(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d"/>`, b.x+b.w/2, b.y+b.h/2, b.w/2, b.h/2)
		kind = ""
	}
	name := string(n.ID)
	if len(n.Members) > 0 {
		name = fmt.Sprintf("%s and %d more", n.Members[0], len(n.Members)-1)
	}
	fmt.Fprintf(out, `<g id="node-%d" class="node %s" data-address="%s"><title>%s</title> %s`, i, xmlText(string(n.Exposure)), xmlText(string(n.ID)), xmlText(name), shape)
	switch {
	case kind == "" || strings.HasSuffix(label, "× "+kind):
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, b.x+b.w/2, b.y+b.h/2+4, xmlText(fitText(label, b.w-padding)))
	default:
		fmt.Fprintf(out, `<text x="%d" y="%d">%s</text> <text class="kind" x="%d" y="%d">%s</text>`,
			b.x+10, b.y+17, xmlText(fitText(label, b.w-padding)), b.x+10, b.y+32, xmlText(fitText(kind, b.w-padding)))
	}
	fmt.Fprint(out, "</g>\n")
}

// edge draws a line between the nearest sides of two boxes.
func (p *picture) edge(out io.Writer, e Edge) {
	from, to := p.find(e.From), p.find(e.To)
	if from == nil || to == nil || from == to {
		return
	}
	y1, x2, y2 := from.y+from.h, to.x+to.w/2, to.y
	// Side by side where several leave one box, and straight down where the other one stands below.
	p.left[e.From]++
	x1 := from.x + from.w*p.left[e.From]/(p.leaving[e.From]+1)
	if x1 >= to.x+gap && x1 <= to.x+to.w-gap {
		x2 = x1
	}
	bend := max((y2-y1)/2, 18)
	switch {
	case y2 >= y1: // below: bottom to top
	case to.y+to.h <= from.y: // above
		y1, y2, bend = from.y, to.y+to.h, -max((from.y-to.y-to.h)/2, 18)
	default: // beside
		y1, y2, bend = from.y+from.h/2, to.y+to.h/2, 0
		if to.x > from.x {
			x1, x2 = from.x+from.w, to.x
		} else {
			x1, x2 = from.x, to.x+to.w
		}
	}
	marker := ` marker-end="url(#arrow)"`
	if e.Kind == Routes {
		marker = ""
	}
	fmt.Fprintf(out, `<path class="edge %s" d="M%d %dC%d %d %d %d %d %d"%s/>`+"\n", xmlText(string(e.Kind)), x1, y1, x1, y1+bend, x2, y2-bend, x2, y2, marker)
	if e.Label != "" {
		fmt.Fprintf(out, `<text class="edge-label" x="%d" y="%d">%s</text>`+"\n", (x1+x2)/2+4, (y1+y2)/2, xmlText(e.Label))
	}
}

func (p *picture) find(id inventory.ID) *box {
	if b, ok := p.byID[id]; ok {
		return b
	}
	return p.groupAt[string(id)]
}

// fitText cuts text to a width, by an estimate of what a proportional font of 12 pixels takes.
func fitText(s string, width int) string {
	most := int(math.Max(float64(width)/7.1, 4))
	if runewidth.StringWidth(s) <= most {
		return s
	}
	head := runewidth.Truncate(s, most/3, "")
	tail := []rune(s)
	for len(tail) > 0 && runewidth.StringWidth(string(tail)) > most-most/3-1 {
		tail = tail[1:]
	}
	return head + "…" + string(tail)
}

// xmlText makes text safe in elements and attributes.
func xmlText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r < ' ' || r == 0xfffe || r == 0xffff || r == 0xfffd:
			b.WriteRune(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
