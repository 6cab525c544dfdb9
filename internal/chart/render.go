package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	helmchart "helm.sh/helm/v3/pkg/chart"
)

// Options say how a chart is rendered.
type Options struct {
	Release   string // the name of the release; empty: that of the chart
	Namespace string // empty: default
	Values    Values // on top of the chart's own
	Limits    Limits
}

// Limits bound what rendering one chart may cost. The zero value stands for DefaultLimits.
type Limits struct {
	Time   time.Duration // of the clock; what takes longer is cut off
	Output int           // bytes of all templates
	Steps  int           // passes of loops, calls of functions and templates
}

// DefaultLimits are far above the largest public charts, which take some 100 ms and 2 MB.
var DefaultLimits = Limits{Time: 30 * time.Second, Output: 64 << 20, Steps: 20_000_000}

// Rendered is what one template gives: YAML, with the place of each byte.
type Rendered struct {
	Template string // its path
	Text     []byte
	segments []segment
}

// segment is a stretch of output that comes from one place of a template.
type segment struct {
	start   int // in the output
	origin  *source
	offset  int  // in the template
	literal bool // the template's own text, byte by byte, and not the value of an action
}

// At returns the place of a byte of the output: the path of a template, with the line and column there. The column is 0
// where the byte is part of a value that the template puts in at that line, the line is 0 in an archive.
func (r *Rendered) At(offset int) (name string, line, column int) {
	i := sort.Search(len(r.segments), func(i int) bool { return r.segments[i].start > offset }) - 1
	if i < 0 {
		return r.Template, 0, 0
	}
	s := r.segments[i]
	if s.origin.archived {
		return s.origin.path, 0, 0
	}
	if !s.literal {
		line, _ = s.origin.position(s.offset)
		return s.origin.path, line, 0
	}
	line, column = s.origin.position(s.offset + offset - s.start)
	return s.origin.path, line, column
}

// source is one template.
type source struct {
	path     string
	archived bool
	text     string
	starts   []int // of lines
}

func newSource(o origin, text string) *source {
	s := &source{path: o.path, archived: o.archived, text: text, starts: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

func (s *source) position(offset int) (line, column int) {
	i, found := slices.BinarySearch(s.starts, offset)
	if !found {
		i--
	}
	return i + 1, offset - s.starts[i] + 1
}

// Problem is a template that can't be rendered.
type Problem struct {
	Path    string
	Line    int
	Message string
}

// ErrLimit is in the message of what is cut off.
var ErrLimit = errors.New("more than a chart may cost")

// Render returns what the templates of a chart give, in order of their names, and which ones fail. The error is for the chart
// as a whole.
func (c *Chart) Render(ctx context.Context, options Options) (rendered []Rendered, problems []Problem, err error) {
	if options.Limits == (Limits{}) {
		options.Limits = DefaultLimits
	}
	ctx, cancel := context.WithTimeout(ctx, options.Limits.Time)
	defer cancel()
	type result struct {
		rendered []Rendered
		problems []Problem
		err      error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { done <- r }()
		defer recovered(&r.err)
		r.rendered, r.problems, r.err = c.render(ctx, options)
	}()
	select {
	case r := <-done:
		return r.rendered, r.problems, r.err
	case <-ctx.Done():
	}
	// Every loop, call and write looks at the deadline. A function of a library that does not come back is left behind:
	// what it holds is bounded by what functions take.
	select {
	case r := <-done:
		return r.rendered, r.problems, r.err
	case <-time.After(options.Limits.Time / 4):
		return nil, nil, fmt.Errorf("%w: a function of a template takes longer than %v", ErrLimit, options.Limits.Time)
	}
}

// unit is one template with what it is rendered with.
type unit struct {
	name     string
	source   *source
	scope    map[string]any
	basePath string
}

func (c *Chart) render(ctx context.Context, options Options) ([]Rendered, []Problem, error) {
	given := copied(options.Values)
	if err := enable(c.chart, given, ""); err != nil {
		return nil, nil, err
	}
	if err := importValues(c.chart); err != nil {
		return nil, nil, err
	}
	values, err := withDefaults(c.chart, given, false)
	if err != nil {
		return nil, nil, err
	}
	name, namespace := options.Release, options.Namespace
	if name == "" {
		name = c.chart.Name()
	}
	if namespace == "" {
		namespace = "default"
	}
	top := map[string]any{
		"Values":       values,
		"Capabilities": capabilities(),
		"Release":      map[string]any{"Name": name, "Namespace": namespace, "IsUpgrade": false, "IsInstall": true, "Revision": 1, "Service": "Helm"},
	}
	var units []unit
	c.units(c.chart, c.chart.Name(), top, true, &units)
	// Deeper templates come first, so that of two definitions with one name the parent's counts.
	slices.SortFunc(units, func(a, b unit) int {
		if n, m := strings.Count(a.name, "/"), strings.Count(b.name, "/"); n != m {
			return m - n
		}
		return strings.Compare(b.name, a.name)
	})
	return newEngine(ctx, options.Limits).render(units)
}

// units collects the templates of a chart and its sub-charts with their scopes, and returns the scope of the chart.
func (c *Chart) units(chart *helmchart.Chart, at string, parent map[string]any, root bool, list *[]unit) map[string]any {
	subcharts := map[string]any{}
	scope := map[string]any{
		"Chart": struct {
			helmchart.Metadata
			IsRoot bool
		}{*chart.Metadata, root},
		"Files": newFiles(chart.Files), "Release": parent["Release"], "Capabilities": parent["Capabilities"], "Values": Values{}, "Subcharts": subcharts,
	}
	if root {
		scope["Values"] = parent["Values"]
	} else if values, ok := parent["Values"].(Values)[chart.Name()].(Values); ok {
		scope["Values"] = values
	}
	for _, sub := range chart.Dependencies() {
		subcharts[sub.Name()] = c.units(sub, path.Join(at, "charts", sub.Name()), scope, false, list)
	}
	library := strings.EqualFold(chart.Metadata.Type, "library")
	for _, t := range chart.Templates {
		if t == nil || library && !strings.HasPrefix(path.Base(t.Name), "_") {
			continue
		}
		*list = append(*list, unit{name: path.Join(at, t.Name), source: newSource(c.origins[t], string(t.Data)), scope: scope, basePath: path.Join(at, "templates")})
	}
	return scope
}

// engine renders the templates of one chart.
type engine struct {
	ctx     context.Context
	limits  Limits
	steps   int
	output  int
	given   int // bytes that functions gave
	depth   int
	texts   map[*byte]segment // the text nodes of templates by the address of their first byte
	sources map[string]*source
	pass    *parse.ActionNode // writes nothing; the write of it is seen
	check   *parse.CommandNode
	missing map[string]string // marks for values that are required and not given
}

func newEngine(ctx context.Context, limits Limits) *engine {
	return &engine{ctx: ctx, limits: limits, texts: map[*byte]segment{}, sources: map[string]*source{}, missing: map[string]string{}}
}

func (e *engine) render(units []unit) ([]Rendered, []Problem, error) {
	root := template.New("gotpl").Option("missingkey=zero")
	root.Funcs(e.functions(root))
	var problems []Problem
	failed := map[string]bool{}
	for _, u := range units {
		e.sources[u.name] = u.source
		if strings.HasSuffix(u.name, "NOTES.txt") {
			continue
		}
		parsed, err := root.New(u.name).Parse(u.source.text)
		if err != nil {
			problems = append(problems, e.problem(u, err))
			failed[u.name] = true
			continue
		}
		e.watch(parsed)
	}
	for _, t := range root.Templates() {
		e.watch(t)
	}
	var rendered []Rendered
	for _, u := range units {
		if strings.HasPrefix(path.Base(u.name), "_") || strings.HasSuffix(u.name, "NOTES.txt") || failed[u.name] {
			continue
		}
		u.scope["Template"] = map[string]any{"Name": u.name, "BasePath": u.basePath}
		w := &writer{engine: e, tracked: true, last: segment{origin: u.source}}
		e.depth = 0
		if err := root.ExecuteTemplate(w, u.name, u.scope); err != nil {
			p := e.problem(u, err)
			if p.Line == 0 && w.last.origin != nil && !w.last.origin.archived { // it was cut off while it wrote
				p.Path = w.last.origin.path
				p.Line, _ = w.last.origin.position(w.last.offset)
			}
			problems = append(problems, p)
			if e.ctx.Err() != nil || errors.Is(err, ErrLimit) {
				return rendered, problems, nil //nolint:nilerr // it is a problem of the list; the rest would fail as well
			}
			continue
		}
		if w.buf.Len() > 0 && w.buf.Bytes()[w.buf.Len()-1] != '\n' {
			w.buf.WriteByte('\n') // as Helm puts manifests together
		}
		rendered = append(rendered, Rendered{Template: u.source.path, Text: w.buf.Bytes(), segments: w.segments})
	}
	slices.SortStableFunc(rendered, func(a, b Rendered) int { return strings.Compare(a.Template, b.Template) })
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return rendered, problems, nil
}

// watch makes each pass of a loop and each call of a template of t a step, and notes where its texts stand.
func (e *engine) watch(t *template.Template) {
	if t.Tree == nil || t.Root == nil {
		return
	}
	if len(t.Root.Nodes) > 0 && t.Root.Nodes[0] == parse.Node(e.enter()) {
		return // seen before
	}
	e.nodes(t.Root, e.sources[t.ParseName])
	t.Root.Nodes = append([]parse.Node{e.enter()}, t.Root.Nodes...)
}

// enter returns a node that is executed and writes nothing.
func (e *engine) enter() *parse.ActionNode {
	if e.pass == nil {
		trees, err := parse.Parse("step", `{{ "" }}`, "", "", nil)
		if err != nil {
			return nil
		}
		e.pass, _ = trees["step"].Root.Nodes[0].(*parse.ActionNode)
	}
	return e.pass
}

// shown returns a command that a value goes through before it is written.
func (e *engine) shown() *parse.CommandNode {
	if e.check == nil {
		trees, err := parse.Parse("shown", `{{ 1 | `+shownName+` }}`, "", "", map[string]any{shownName: shown})
		if err != nil {
			return nil
		}
		e.check = trees["shown"].Root.Nodes[0].(*parse.ActionNode).Pipe.Cmds[1]
	}
	return e.check
}

func (e *engine) nodes(list *parse.ListNode, s *source) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			if s != nil && len(n.Text) > 0 {
				e.texts[&n.Text[0]] = segment{origin: s, offset: int(n.Pos), literal: true}
			}
		case *parse.IfNode:
			e.nodes(n.List, s)
			e.nodes(n.ElseList, s)
		case *parse.WithNode:
			e.nodes(n.List, s)
			e.nodes(n.ElseList, s)
		case *parse.RangeNode:
			e.nodes(n.List, s)
			e.nodes(n.ElseList, s)
			n.List.Nodes = append([]parse.Node{e.enter()}, n.List.Nodes...)
		case *parse.ActionNode:
			if n != e.pass && len(n.Pipe.Decl) == 0 { // what it gives is written, and formatted whole before that
				n.Pipe.Cmds = append(n.Pipe.Cmds, e.shown())
			}
		}
	}
}

// step counts what is done and says when it is too much.
func (e *engine) step() error {
	if e.steps++; e.steps > e.limits.Steps {
		return fmt.Errorf("%w: %d steps", ErrLimit, e.limits.Steps)
	}
	if e.steps%256 == 0 && e.ctx.Err() != nil {
		return fmt.Errorf("%w: %v", ErrLimit, e.limits.Time)
	}
	return nil
}

// writer takes the output of a template. It sees each text node by its address and takes what follows for the value of
// an action at the end of the text.
type writer struct {
	engine   *engine
	buf      bytes.Buffer
	tracked  bool
	segments []segment
	last     segment
}

var noValue = []byte("<no value>")

func (w *writer) Write(p []byte) (int, error) {
	if err := w.engine.step(); err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if w.engine.output += len(p); w.engine.output > w.engine.limits.Output {
		return 0, fmt.Errorf("%w: %d MiB of output", ErrLimit, w.engine.limits.Output>>20)
	}
	size := len(p)
	if at, ok := w.engine.texts[&p[0]]; ok {
		if w.tracked {
			at.start = w.buf.Len()
			w.segments = append(w.segments, at)
			w.last = segment{origin: at.origin, offset: at.offset + len(p)}
		}
	} else {
		p = bytes.ReplaceAll(p, noValue, nil) // what a template prints where there is nothing; Helm takes it out, too
		if w.tracked {
			at := w.last
			at.start = w.buf.Len()
			w.segments = append(w.segments, at)
		}
	}
	w.buf.Write(p)
	return size, nil
}

// place is how errors of templates begin: template: name:line:column: or template: name:line:
var place = regexp.MustCompile(`^template: (.+?):(\d+)(?::\d+)?: (?s:(.*))$`)

func (e *engine) problem(u unit, err error) Problem {
	p := Problem{Path: u.source.path, Message: err.Error()}
	if m := place.FindStringSubmatch(p.Message); m != nil {
		if s := e.sources[m[1]]; s != nil {
			p.Path = s.path
			p.Line, _ = strconv.Atoi(m[2])
			if s.archived {
				p.Line = 0
			}
		}
		p.Message = m[3]
	}
	// An error within an include within an include says so at length; the innermost reason comes last.
	if i := strings.LastIndex(p.Message, "error calling "); i >= 0 {
		p.Message = p.Message[i:]
	}
	if len(p.Message) > 300 {
		p.Message = strings.ToValidUTF8(p.Message[:300], "") + "…"
	}
	return p
}
