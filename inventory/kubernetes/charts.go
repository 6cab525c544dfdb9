package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/ignore"

	"github.com/trifecta-scanner/trifecta/internal/chart"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// What the files of one chart may have. Helm refuses larger ones, too.
const (
	maxChartFile = 5 << 20
	maxChart     = 64 << 20
)

// charts renders every chart of the tree that is deployed on its own, once for each environment.
func (r *reader) charts(ctx context.Context, source Source) error {
	all := foldersOf(r.tree, "Chart.yaml")
	if len(all) == 0 {
		return nil
	}
	var roots []string
	for dir := range all {
		if !subchart(all, dir) {
			roots = append(roots, dir)
		}
	}
	slices.Sort(roots)
	l := chartLoader{reader: r, charts: all, files: map[string][]chart.File{}, used: map[string]bool{}, loaded: map[string]bool{}}
	l.collect(roots)
	for _, dir := range roots {
		for _, d := range l.beside(dir) {
			l.used[d] = true
		}
	}
	l.deployed = r.deployments(source)
	for _, dir := range roots {
		if l.used[dir] && len(l.deployed[dir]) == 0 {
			continue // rendered as a part of the chart that asks for it
		}
		if err := r.chart(ctx, &l, dir, source); err != nil {
			return err
		}
	}
	for _, dir := range roots { // those that only ask for each other
		if l.used[dir] && !l.loaded[dir] {
			if err := r.chart(ctx, &l, dir, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// subchart reports whether a chart stands in the folder charts of another one.
func subchart(all map[string]bool, dir string) bool {
	for d := dir; d != "." && d != "/"; d = path.Dir(d) {
		if path.Base(path.Dir(d)) == "charts" && all[path.Dir(path.Dir(d))] {
			return true
		}
	}
	return false
}

// chart renders the chart in a folder for each of its environments.
func (r *reader) chart(ctx context.Context, l *chartLoader, dir string, source Source) error {
	at := inventory.Location{Path: path.Join(dir, "Chart.yaml"), Line: 1}
	for _, env := range r.chartDeployments(l, dir, source) {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := l.load(dir, 0)
		if err != nil {
			r.notice("unreadable-chart", at, "the chart in %s can't be read: %v", dir, err)
			return nil
		}
		if c.Library() {
			return nil
		}
		var values []chart.Values
		for _, name := range env.files {
			data, err := r.tree.ReadFile(name)
			if err == nil {
				var v chart.Values
				if v, err = chart.ParseValues(data); err == nil {
					values = append(values, v)
				}
			}
			if err != nil {
				r.notice("unreadable-file", inventory.Location{Path: name}, "the values file %s can't be read: %v", name, err)
			}
		}
		values = append(values, env.values)
		rendered, problems, err := c.Render(ctx, chart.Options{Release: env.release, Namespace: env.namespace, Values: chart.Overlay(values...), Limits: source.limits()})
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.notice("unrendered-chart", at, "the chart in %s can't be rendered: %v", dir, err)
			continue
		}
		for _, p := range problems {
			r.noticeOnce("unrendered-template", inventory.Location{Path: p.Path, Line: p.Line}, "%s can't be rendered; what it deploys is not known: %s", p.Path, p.Message)
		}
		before := len(r.inv.Resources)
		for i := range rendered {
			r.rendered(&rendered[i], dir, env)
		}
		for _, res := range r.inv.Resources[before:] {
			res.Exists, res.Reasons = env.exists, env.reasons
		}
		r.missing(c, dir, env.environment)
	}
	return nil
}

// rendered adds the objects that a template gives.
func (r *reader) rendered(t *chart.Rendered, root string, d deployment) {
	if len(bytes.TrimSpace(t.Text)) == 0 {
		return
	}
	lines := inventory.NewLines(t.Text)
	place := func(line, column int) inventory.Location {
		name, line, column := t.At(lines.Offset(line, column))
		return inventory.Location{Path: name, Line: line, Column: column}
	}
	move := func(at inventory.Location) inventory.Location {
		moved := place(at.Line, at.Column)
		if at.EndLine == 0 {
			return moved
		}
		// The end of a value is its last byte's place; it is told only where it follows the start.
		end := place(at.EndLine, max(at.EndColumn-1, 1))
		if end.Path == moved.Path && end.Line >= moved.Line {
			moved.EndLine = end.Line
			if at.EndColumn > 0 && end.Column > 0 && moved.Column > 0 {
				moved.EndColumn = end.Column + 1
			}
		}
		return moved
	}
	for _, doc := range inventory.ReadYAMLExcept(t.Template, t.Text, r.definition) {
		if doc.Err != nil {
			at := place(doc.Line, 1)
			r.noticeOnce("unreadable-manifest", at, "%s renders to a document that can't be read: %v", t.Template, doc.Err)
			continue
		}
		if testHook(doc.Value) {
			continue
		}
		kind, _ := doc.Value.Get("kind").Text()
		version, _ := doc.Value.Get("apiVersion").Text()
		group, _ := kube.SplitVersion(version)
		r.object(inNamespace(withUnknowns(doc.Value.Moved(move), d.unknowns), d.namespace, kube.ClusterScoped(group, kind)), root, d.environment, nil)
	}
}

// testHook reports whether an object is only made by `helm test`.
func testHook(v inventory.Value) bool {
	hook, _ := v.Get("metadata", "annotations", "helm.sh/hook").Text()
	return hook != "" && !slices.ContainsFunc(strings.Split(hook, ","), func(h string) bool { return !strings.HasPrefix(strings.TrimSpace(h), "test") })
}

// withUnknowns returns a value in which texts with the mark of a value that is not known are unknown; known says, by their
// marks, what is known of some.
func withUnknowns(v inventory.Value, known map[string]inventory.Value) inventory.Value {
	switch v.Kind() {
	case inventory.String:
		text, _ := v.Text()
		from, to, ok := chart.Missing(text)
		if !ok {
			return v
		}
		unknown, ok := known[text[from:to]]
		if !ok {
			unknown = inventory.UnknownValue(v.Location(), inventory.Reason{Code: inventory.ParamNoDefault, Ref: "values"})
		}
		var parts []inventory.Value
		if from > 0 {
			parts = append(parts, inventory.StringValue(text[:from], v.Location()))
		}
		parts = append(parts, unknown)
		if to < len(text) {
			parts = append(parts, withUnknowns(inventory.StringValue(text[to:], v.Location()), known))
		}
		if len(parts) > 1 {
			return inventory.UnknownValue(v.Location(), unknown.AllReasons()...).WithParts(parts...)
		}
		return unknown
	case inventory.List:
		elements := slices.Clone(v.Elements())
		for i := range elements {
			elements[i] = withUnknowns(elements[i], known)
		}
		return inventory.ListValue(elements, v.Location())
	case inventory.Map:
		fields := slices.Clone(v.Fields())
		for i := range fields {
			fields[i].Value = withUnknowns(fields[i].Value, known)
		}
		return inventory.MapValue(fields, v.Location())
	}
	return v
}

// missing notes the sub-charts that are not in the tree. They are resources, too: that a controller is installed is known
// also where its objects are not.
func (r *reader) missing(c *chart.Chart, dir, environment string) {
	for _, d := range c.Missing() {
		at := r.dependencyLine(dir, d.Name)
		r.noticeOnce("missing-chart", at, "%s asks for the chart %s %s of %s, which is not in the tree; what it deploys is not known", dir, d.Name, d.Version, cmp.Or(d.Repository, "no repository"))
		r.dependency(c.Name(), dir, environment, cmp.Or(d.Alias, d.Name), d.Name, d.Version, d.Repository, at)
	}
}

// dependency adds a chart that something of root installs and that is not in the tree.
func (r *reader) dependency(of, root, environment, name, chartName, version, repository string, at inventory.Location) {
	field := func(name, text string) inventory.Field {
		return inventory.Field{Name: name, Value: inventory.StringValue(text, at)}
	}
	r.add(&inventory.Resource{
		ID: inventory.ID("HelmDependency/" + of + "/" + name), Type: "helm.sh/v1/HelmDependency", Name: name, Language: inventory.Kubernetes,
		Root: root, Environment: environment, Location: at,
		Values: inventory.MapValue([]inventory.Field{
			field("apiVersion", "helm.sh/v1"), field("kind", "HelmDependency"),
			{Name: "metadata", Value: inventory.MapValue([]inventory.Field{field("name", name)}, at)},
			{Name: "spec", Value: inventory.MapValue([]inventory.Field{field("chart", chartName), field("version", version), field("repository", repository)}, at)},
		}, at),
	})
}

// dependencyLine returns where Chart.yaml, or requirements.yaml of old charts, asks for a chart.
func (r *reader) dependencyLine(dir, name string) inventory.Location {
	for _, base := range []string{"Chart.yaml", "requirements.yaml"} {
		file := path.Join(dir, base)
		data, err := r.tree.ReadFile(file)
		if err != nil {
			continue
		}
		for _, doc := range inventory.ReadYAML(file, data) {
			for _, d := range doc.Value.Get("dependencies").Elements() {
				if have, _ := d.Get("name").Text(); have == name {
					return d.Location()
				}
			}
		}
	}
	return inventory.Location{Path: path.Join(dir, "Chart.yaml"), Line: 1}
}

// chartDeployments returns how a chart is rendered: as something in the tree installs it, else once for each environment.
func (r *reader) chartDeployments(l *chartLoader, dir string, source Source) []deployment {
	list := slices.Clone(l.deployed[dir])
	for i := range list {
		list[i].files = append(slices.Clone(list[i].files), source.Values...)
	}
	if len(list) == 0 {
		for _, env := range r.chartEnvironments(dir, source) {
			list = append(list, deployment{environment: env.Name, files: env.Values})
		}
	}
	return list
}

// chartEnvironments returns the ways to render a chart: the environments of the configuration that cover it, else those
// that its values files name, else one without a name.
func (r *reader) chartEnvironments(dir string, source Source) []inventory.Environment {
	named := r.valuesFiles(dir)
	var list []inventory.Environment
	for _, env := range source.Environments {
		if !env.Covers(dir) {
			continue
		}
		var values []string
		if own, ok := named[env.Name]; ok && !slices.Contains(env.Values, own) {
			values = append(values, own)
		}
		for _, v := range env.Values {
			if of := chartOf(r.folders, v); of == "" || of == dir {
				values = append(values, v)
			}
		}
		list = append(list, inventory.Environment{Name: env.Name, Values: values})
	}
	if len(list) == 0 {
		for name, file := range named {
			list = append(list, inventory.Environment{Name: name, Values: []string{file}})
		}
		slices.SortFunc(list, func(a, b inventory.Environment) int { return strings.Compare(a.Name, b.Name) })
	}
	if len(list) == 0 {
		list = append(list, inventory.Environment{})
	}
	for i := range list {
		list[i].Values = append(list[i].Values, source.Values...)
	}
	return list
}

// chartOf returns the folder of the chart that a file belongs to, or nothing.
func chartOf(charts map[string]bool, name string) string {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if charts[dir] {
			return dir
		}
		if dir == "." || dir == "/" {
			return ""
		}
	}
}

// valuesFiles returns the values files of a chart that are for one environment, by its name: values-prod.yaml,
// values.prod.yaml, values/prod.yaml.
func (r *reader) valuesFiles(dir string) map[string]string {
	named := map[string]string{}
	for _, ending := range []string{".yaml", ".yml"} {
		for _, f := range r.tree.WithSuffix(ending) {
			in, base := path.Dir(f.Path), strings.TrimSuffix(f.Base(), ending)
			name := ""
			switch {
			case in == dir && len(base) > 7 && strings.HasPrefix(base, "values") && strings.IndexByte("-_.", base[6]) >= 0:
				name = base[7:]
			case in == path.Join(dir, "values"):
				name = base
			}
			if name != "" && named[name] == "" {
				named[name] = f.Path
			}
		}
	}
	return named
}

// chartLoader reads the files of charts.
type chartLoader struct {
	reader *reader
	charts map[string]bool
	files  map[string][]chart.File // by the folder of a chart
	used   map[string]bool         // charts that another one takes from its folder
	loaded map[string]bool
	// deployed has how the charts are installed, where something in the tree says so.
	deployed map[string][]deployment
}

// collect reads the files of each chart once.
func (l *chartLoader) collect(roots []string) {
	rules := map[string]*ignore.Rules{}
	size := map[string]int64{}
	for _, f := range l.reader.tree.Files() {
		dir := ""
		for _, root := range roots {
			if (root == "." || strings.HasPrefix(f.Path, root+"/")) && len(root) > len(dir) {
				dir = root
			}
		}
		if dir == "" || f.Size > maxChartFile {
			continue
		}
		name := strings.TrimPrefix(f.Path, dir+"/")
		if !ofChart(name) {
			continue
		}
		if rules[dir] == nil {
			rules[dir] = l.ignored(dir)
		}
		if left(rules[dir], name) {
			continue
		}
		if size[dir] += f.Size; size[dir] > maxChart {
			continue
		}
		data, err := l.reader.tree.ReadFile(f.Path)
		if err != nil {
			l.reader.notice("unreadable-file", inventory.Location{Path: f.Path}, "%s can't be read: %v", f.Path, err)
			continue
		}
		l.files[dir] = append(l.files[dir], chart.File{Name: name, Data: data})
	}
	for dir, n := range size {
		if n > maxChart {
			l.reader.notice("chart-too-large", inventory.Location{Path: path.Join(dir, "Chart.yaml")}, "the chart in %s has more than %d MiB; not all of its files were read", dir, maxChart>>20)
		}
	}
}

// ofChart reports whether a file is one that a chart can need. A chart at the top of a repository would otherwise take all
// of it; files that templates read beside these stand in folders of their own.
func ofChart(name string) bool {
	first, _, below := strings.Cut(name, "/")
	if !below {
		return true
	}
	return first != "node_modules" && first != "src" && !strings.HasPrefix(first, ".")
}

func (l *chartLoader) ignored(dir string) *ignore.Rules {
	rules := ignore.Empty()
	if data, err := l.reader.tree.ReadFile(path.Join(dir, ".helmignore")); err == nil {
		if parsed, err := ignore.Parse(bytes.NewReader(data)); err == nil {
			rules = parsed
		}
	}
	rules.AddDefaults()
	return rules
}

// left reports whether a chart leaves a file, or a folder above it, out.
func left(rules *ignore.Rules, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if rules.Ignore(dir, fileInfo{path.Base(dir), true}) {
			return true
		}
	}
	return rules.Ignore(name, fileInfo{path.Base(name), false})
}

// fileInfo is what rules want to know about a file.
type fileInfo struct {
	name string
	dir  bool
}

func (i fileInfo) Name() string         { return i.name }
func (i fileInfo) IsDir() bool          { return i.dir }
func (fileInfo) Size() int64            { return 0 }
func (fileInfo) Sys() any               { return nil }
func (fileInfo) ModTime() (t time.Time) { return t }
func (i fileInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir
	}
	return 0
}

// beside returns the folders of charts that a chart takes from the tree by a path: repository: file://../common.
func (l *chartLoader) beside(dir string) []string {
	var list []string
	for _, f := range l.files[dir] {
		if f.Name != "Chart.yaml" && f.Name != "requirements.yaml" {
			continue
		}
		for _, doc := range inventory.ReadYAML(f.Name, f.Data) {
			for _, d := range doc.Value.Get("dependencies").Elements() {
				repository, _ := d.Get("repository").Text()
				if to, ok := strings.CutPrefix(repository, "file://"); ok {
					if folder := path.Join(dir, to); l.charts[folder] {
						list = append(list, folder)
					}
				}
			}
		}
	}
	return list
}

// load makes the chart of a folder, with those that it takes from other folders.
func (l *chartLoader) load(dir string, depth int) (*chart.Chart, error) {
	l.loaded[dir] = true
	c, err := chart.Load(dir, l.files[dir])
	if err != nil {
		return nil, err
	}
	if depth > 8 {
		return nil, fmt.Errorf("charts that ask for each other")
	}
	for _, folder := range l.beside(dir) {
		missing := c.Missing()
		sub, err := l.load(folder, depth+1)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(missing, func(d chart.Dependency) bool { return d.Name == sub.Name() }) {
			c.Add(sub)
		}
	}
	return c, nil
}
