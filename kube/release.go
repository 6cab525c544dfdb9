package kube

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Release is a chart that something in the tree installs: Terraform's helm_release, an Argo CD Application, a Flux
// HelmRelease, a HelmChart of k3s. It is evidence that the controllers of the chart run in the cluster, also where
// their objects are not in the tree.
type Release struct {
	Resource   *inventory.Resource
	Name       inventory.Value
	Namespace  inventory.Value
	Chart      inventory.Value // name, path or address
	Repository inventory.Value
	Version    inventory.Value
	Values     inventory.Value // a map, or a list of YAML texts, as the language gives them
}

// ChartName returns the last part of the chart's name: aws-load-balancer-controller, ingress-nginx, cilium. Empty where it
// is not known.
func (r *Release) ChartName() string {
	name, _ := r.Chart.Text()
	name = strings.TrimSuffix(name, ".tgz")
	if name == "" {
		return ""
	}
	return path.Base(name)
}

// releases returns what a custom resource installs.
func releases(o *Object) []*Release {
	spec := o.Get("spec")
	release := func(source, chart, repository, version inventory.Value) *Release {
		return &Release{Resource: o.Resource, Name: o.Get("metadata", "name"), Namespace: o.namespace, Chart: chart, Repository: repository, Version: version, Values: source}
	}
	switch o.Group + "/" + o.Kind {
	case "argoproj.io/Application":
		return argoReleases(o, spec)
	case "argoproj.io/ApplicationSet":
		return argoReleases(o, spec.Get("template", "spec"))
	case "helm.sh/HelmDependency": // of a chart of the tree whose sub-chart is not in it
		return []*Release{release(inventory.Value{}, spec.Get("chart"), spec.Get("repository"), spec.Get("version"))}
	case "helm.toolkit.fluxcd.io/HelmRelease":
		chart := spec.Get("chart", "spec")
		r := release(spec.Get("values"), chart.Get("chart"), chart.Get("sourceRef", "name"), chart.Get("version"))
		if target := spec.Get("targetNamespace"); !target.IsNull() {
			r.Namespace = target
		}
		return []*Release{r}
	case "helm.cattle.io/HelmChart":
		r := release(spec.Get("valuesContent"), spec.Get("chart"), spec.Get("repo"), spec.Get("version"))
		if target := spec.Get("targetNamespace"); !target.IsNull() {
			r.Namespace = target
		}
		return []*Release{r}
	}
	return nil
}

// argoReleases returns the charts of an Application's sources, those from chart repositories and those from a path.
func argoReleases(o *Object, spec inventory.Value) []*Release {
	sources := blocks(spec.Get("sources"))
	if s := spec.Get("source"); !s.IsNull() {
		sources = append([]inventory.Value{s}, sources...)
	}
	var list []*Release
	for _, s := range sources {
		if s.Get("chart").IsNull() {
			continue
		}
		values := s.Get("helm", "valuesObject")
		if values.IsNull() {
			values = s.Get("helm", "values")
		}
		list = append(list, &Release{
			Resource: o.Resource, Name: o.Get("metadata", "name"), Namespace: spec.Get("destination", "namespace"),
			Chart: s.Get("chart"), Repository: s.Get("repoURL"), Version: s.Get("targetRevision"), Values: values,
		})
	}
	return list
}
