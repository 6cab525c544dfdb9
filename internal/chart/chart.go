// Package chart renders Helm charts from files in memory: no cluster, no downloads, no program. The same input always
// gives the same output, whatever it holds and however long a template would like to run.
//
// # Why Helm's own engine is not used
//
// Helm's engine and its chartutil link client-go, whose types cost 37 MB of binary and time at every start. More important:
// the engine runs templates of strangers without a bound on time or memory, and charts that ask for random passwords,
// keys or the time come out different each time. Loading is Helm's own (helm.sh/helm/v3/pkg/chart/loader); values and
// templates are read here by the rules of https://helm.sh/docs/chart_template_guide/. e2e/compare holds the result against
// `helm template`, object by object.
//
// # What is different from Helm
//
// lookup finds nothing, as in `helm template`. What is random or depends on the clock is a fixed text. A value that a
// template requires and nobody gives is marked as unknown, and the template is rendered on. One template that fails does
// not keep the others from being rendered. Schemas of values are not checked.
package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"

	"github.com/Masterminds/semver/v3"
)

// File is one file of a chart, by its path relative to the chart's folder.
type File struct {
	Name string
	Data []byte
}

// Chart is a chart with its sub-charts. It is rendered once: rendering leaves out what values turn off.
type Chart struct {
	chart *helmchart.Chart
	// origins are the places of templates, as paths of the folder that the chart was loaded from. A template of an archive
	// has the archive's path.
	origins map[*helmchart.File]origin
}

type origin struct {
	path     string
	archived bool // path is that of the archive that the template is in
}

// maxUnpacked bounds what the archives of one chart may unpack to, in bytes.
const maxUnpacked = 32 << 20

// Load reads the chart in the folder dir from its files, and from the archives among them.
func Load(dir string, files []File) (_ *Chart, err error) {
	defer recovered(&err) // the loader is made for charts that people have checked
	c := &Chart{origins: map[*helmchart.File]origin{}}
	archives := map[string]string{}  // folder of an unpacked sub-chart -> its archive
	folders := map[string][]string{} // name of a chart -> the folders that hold one of this name
	var buffered []*loader.BufferedFile
	budget := int64(maxUnpacked)
	for _, f := range files {
		if strings.HasPrefix(f.Name, "charts/") && strings.HasSuffix(f.Name, ".tgz") && strings.Count(f.Name, "/") == 1 {
			unpacked, err := unpack(f, &budget)
			if err != nil {
				return nil, fmt.Errorf("unpack %s: %w", f.Name, err)
			}
			for _, u := range unpacked {
				parts := strings.SplitN(u.Name, "/", 3)
				archives[parts[0]+"/"+parts[1]] = f.Name
				buffered = append(buffered, u)
			}
			continue
		}
		buffered = append(buffered, &loader.BufferedFile{Name: f.Name, Data: f.Data})
	}
	if c.chart, err = loader.LoadFiles(buffered); err != nil {
		return nil, err
	}
	if err := c.chart.Validate(); err != nil {
		return nil, err
	}
	for _, f := range buffered {
		if path.Base(f.Name) == "Chart.yaml" {
			var metadata helmchart.Metadata
			if err := yaml.Unmarshal(f.Data, &metadata); err == nil {
				folders[metadata.Name] = append(folders[metadata.Name], path.Dir(f.Name))
			}
		}
	}
	c.place(c.chart, ".", func(parent string, sub *helmchart.Chart) string {
		for _, folder := range folders[sub.Name()] {
			if path.Dir(folder) == path.Join(parent, "charts") {
				return folder
			}
		}
		return path.Join(parent, "charts", sub.Name())
	}, dir, archives)
	return c, nil
}

// place notes where the templates of a chart and its sub-charts stand.
func (c *Chart) place(chart *helmchart.Chart, folder string, of func(parent string, sub *helmchart.Chart) string, dir string, archives map[string]string) {
	for _, t := range chart.Templates {
		at := origin{path: path.Join(dir, folder, t.Name)}
		if parts := strings.SplitN(folder, "/", 3); len(parts) > 1 && archives[parts[0]+"/"+parts[1]] != "" {
			at = origin{path: path.Join(dir, archives[parts[0]+"/"+parts[1]]), archived: true}
		}
		c.origins[t] = at
	}
	for _, sub := range chart.Dependencies() {
		c.place(sub, of(folder, sub), of, dir, archives)
	}
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the chart can't be processed: %v", r)
	}
}

// unpack returns the files of an archive of a chart as files below charts.
func unpack(f File, budget *int64) ([]*loader.BufferedFile, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(f.Data))
	if err != nil {
		return nil, err
	}
	var files []*loader.BufferedFile
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(header.Name)
		if header.Typeflag != tar.TypeReg || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") || !strings.Contains(name, "/") {
			continue
		}
		if *budget -= max(header.Size, 1024); *budget < 0 {
			return nil, fmt.Errorf("more than %d MiB", maxUnpacked>>20)
		}
		data, err := io.ReadAll(io.LimitReader(archive, header.Size))
		if err != nil {
			return nil, err
		}
		files = append(files, &loader.BufferedFile{Name: "charts/" + name, Data: data})
	}
}

// Name returns the name of the chart.
func (c *Chart) Name() string { return c.chart.Name() }

// Library reports whether the chart only holds definitions for others.
func (c *Chart) Library() bool { return strings.EqualFold(c.chart.Metadata.Type, "library") }

// Dependency is a chart that another one names in its Chart.yaml.
type Dependency struct {
	Name, Alias, Version, Repository string
	// Conditional says that values can leave it out.
	Conditional bool
}

// Missing returns the dependencies of the chart itself that are not among its sub-charts.
func (c *Chart) Missing() []Dependency {
	var list []Dependency
	for _, d := range c.chart.Metadata.Dependencies {
		if d != nil && !slices.ContainsFunc(c.chart.Dependencies(), func(sub *helmchart.Chart) bool { return sub.Name() == d.Name }) {
			list = append(list, Dependency{Name: d.Name, Alias: d.Alias, Version: d.Version, Repository: d.Repository, Conditional: d.Condition != "" || len(d.Tags) > 0})
		}
	}
	return list
}

// Add makes another chart a sub-chart. It belongs to c from then on.
func (c *Chart) Add(sub *Chart) {
	c.chart.AddDependency(sub.chart)
	maps.Copy(c.origins, sub.origins)
}

// Values is what values files give: maps, lists and scalars as encoding/json has them.
type Values = map[string]any

// ParseValues reads a values file.
func ParseValues(data []byte) (Values, error) {
	values := Values{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, err
	}
	if values == nil {
		values = Values{}
	}
	return values, nil
}

// Overlay returns the values of several files, of which later ones count more: maps are merged, all else is replaced.
func Overlay(list ...Values) Values {
	result := Values{}
	for _, values := range list {
		overlay(result, values)
	}
	return result
}

func overlay(into, from Values) {
	for key, value := range from {
		if inner, ok := value.(Values); ok {
			have, ok := into[key].(Values)
			if !ok {
				have = Values{}
			}
			overlay(have, inner)
			into[key] = have
			continue
		}
		into[key] = value
	}
}

// compatible reports whether a version is one that a dependency asks for.
func compatible(wanted, version string) bool {
	v, err := semver.NewVersion(version)
	if err != nil {
		return false
	}
	c, err := semver.NewConstraint(wanted)
	return err == nil && c.Check(v)
}
