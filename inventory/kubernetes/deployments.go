package kubernetes

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/chart"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// deployment is how something installs a chart of the tree: an Application of Argo CD, a release of Helmfile.
type deployment struct {
	environment string
	release     string
	namespace   string
	files       []string // values files, as paths in the tree
	values      chart.Values
	unknowns    map[string]inventory.Value // what is known of values that are not, by their marks
	exists      inventory.Existence
	reasons     []inventory.Reason // why it may not exist
}

// deployments returns how the charts of the tree are installed, by their folders.
func (r *reader) deployments(source Source) map[string][]deployment {
	found := map[string][]deployment{}
	for _, res := range r.inv.Resources {
		if strings.HasPrefix(res.Type, "argoproj.io/") && strings.HasSuffix(res.Type, "/Application") {
			r.application(res, found)
		}
	}
	for _, name := range []string{"helmfile.yaml", "helmfile.yml"} {
		for _, file := range r.tree.Named(name) {
			r.helmfile(file, found)
		}
	}
	for _, res := range source.releases {
		r.release(res, found)
	}
	for dir, list := range found {
		for i := range list {
			d := &list[i]
			d.environment = cmp.Or(d.environment, r.environmentOf(dir, *d))
			if d.environment == "" && len(list) > 1 {
				d.environment = d.release // several with nothing else to tell them apart
			}
		}
	}
	return found
}

// environmentOf returns the environment that the values files of a deployment are named for.
func (r *reader) environmentOf(dir string, d deployment) string {
	for name, file := range r.valuesFiles(dir) {
		if slices.Contains(d.files, file) {
			return name
		}
	}
	return ""
}

// application notes the charts that an Application takes from a path: one that the tree has is taken to be in this
// repository (https://argo-cd.readthedocs.io/en/stable/user-guide/helm/).
func (r *reader) application(res *inventory.Resource, found map[string][]deployment) {
	spec := res.Get("spec")
	var sources []inventory.Value
	if s := spec.Get("source"); !s.IsNull() {
		sources = append(sources, s)
	}
	for _, s := range append(sources, spec.Get("sources").Elements()...) {
		dir, ok := s.Get("path").Text()
		if dir = path.Clean(strings.TrimPrefix(dir, "/")); !ok || !r.folders[dir] {
			continue
		}
		d := deployment{release: res.Name, values: chart.Values{}}
		d.namespace, _ = spec.Get("destination", "namespace").Text()
		if name, ok := s.Get("helm", "releaseName").Text(); ok && name != "" {
			d.release = name
		}
		for _, f := range s.Get("helm", "valueFiles").Elements() {
			text, _ := f.Text()
			file := path.Join(dir, text)
			if rest, ok := strings.CutPrefix(text, "$"); ok { // of another source of the same Application
				_, rest, _ = strings.Cut(rest, "/")
				file = path.Clean(rest)
			}
			switch {
			case strings.Contains(text, "://"):
			case r.tree.Has(file):
				d.files = append(d.files, file)
				continue
			}
			r.notice("missing-values", f.Location(), "%s renders %s with %s, which is not in the tree", res.ID, dir, text)
		}
		if text, ok := s.Get("helm", "values").Text(); ok {
			if values, err := chart.ParseValues([]byte(text)); err == nil {
				d.values = values
			}
		}
		if object := s.Get("helm", "valuesObject"); object.Kind() == inventory.Map {
			d.values = plain(object)
		}
		for _, p := range s.Get("helm", "parameters").Elements() {
			name, _ := p.Get("name").Text()
			value, _ := p.Get("value").Text()
			set(d.values, name, value)
		}
		found[dir] = append(found[dir], d)
	}
}

// plain returns a value as encoding/json has it.
func plain(v inventory.Value) chart.Values {
	values := chart.Values{}
	if text, err := v.MarshalJSON(); err == nil {
		if err := json.Unmarshal(text, &values); err != nil {
			return chart.Values{}
		}
	}
	return values
}

// set puts a value at a path of names with dots. Other forms of helm --set are left out.
func set(values chart.Values, name, value string) {
	keys := strings.Split(name, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := values[key].(chart.Values)
		if !ok {
			inner = chart.Values{}
			values[key] = inner
		}
		values = inner
	}
	last := keys[len(keys)-1]
	switch value {
	case "true", "false":
		values[last] = value == "true"
	default:
		values[last] = value
	}
}

// helmfile notes the releases of a helmfile.yaml (https://helmfile.readthedocs.io): charts of the tree, and those that are
// not in it. Its templates are not rendered; values files that are templates are left out with a notice.
func (r *reader) helmfile(file string, found map[string][]deployment) {
	data, err := r.tree.ReadFile(file)
	if err != nil {
		return
	}
	dir := path.Dir(file)
	for _, doc := range inventory.ReadYAML(file, data) {
		if doc.Err != nil {
			r.notice("unreadable-file", inventory.Location{Path: file, Line: doc.Line}, "%s can't be read; which charts it installs is not known: %v", file, doc.Err)
			continue
		}
		repositories := map[string]string{}
		for _, repo := range doc.Value.Get("repositories").Elements() {
			name, _ := repo.Get("name").Text()
			repositories[name], _ = repo.Get("url").Text()
		}
		for _, release := range doc.Value.Get("releases").Elements() {
			name, _ := release.Get("name").Text()
			wanted, _ := release.Get("chart").Text()
			if on, ok := release.Get("installed").Bool(); ok && !on || wanted == "" || strings.Contains(wanted, "{{") {
				continue
			}
			if local := path.Join(dir, wanted); r.folders[local] {
				d := deployment{release: name, values: chart.Values{}}
				d.namespace, _ = release.Get("namespace").Text()
				for _, v := range release.Get("values").Elements() {
					if v.Kind() == inventory.Map {
						d.values = chart.Overlay(d.values, plain(v))
						continue
					}
					text, _ := v.Text()
					switch values := path.Join(dir, text); {
					case r.tree.Has(values) && !strings.HasSuffix(values, ".gotmpl"):
						d.files = append(d.files, values)
					default:
						r.notice("missing-values", v.Location(), "%s renders %s with %s, which is a template or not in the tree", file, local, text)
					}
				}
				found[local] = append(found[local], d)
				continue
			}
			repository, chartName, _ := strings.Cut(wanted, "/")
			if chartName == "" {
				repository, chartName = "", wanted
			}
			version, _ := release.Get("version").Text()
			r.noticeOnce("missing-chart", release.Location(), "%s installs the chart %s %s, which is not in the tree; what it deploys is not known", file, wanted, version)
			r.dependency(file, file, "", name, chartName, version, repositories[repository], release.Location())
		}
	}
}

// inNamespace returns an object that stands in a namespace where it names none and its kind has one.
func inNamespace(v inventory.Value, namespace string, clusterScoped bool) inventory.Value {
	if namespace == "" || clusterScoped || !v.Get("metadata", "namespace").IsNull() {
		return v
	}
	metadata := v.Get("metadata")
	if metadata.Kind() != inventory.Map {
		return v
	}
	fields := append(slices.Clone(metadata.Fields()), inventory.Field{Name: "namespace", Value: inventory.StringValue(namespace, metadata.Location()).AsDefault()})
	all := append(slices.Clone(v.Fields()), inventory.Field{Name: "metadata", Value: inventory.MapValue(fields, metadata.Location())})
	return inventory.MapValue(all, v.Location())
}
