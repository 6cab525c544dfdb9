package chart

import (
	"encoding/base64"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	helmchart "helm.sh/helm/v3/pkg/chart"
)

// files are what templates see as .Files.
type files map[string][]byte

func newFiles(list []*helmchart.File) files {
	f := make(files, len(list))
	for _, file := range list {
		f[file.Name] = file.Data
	}
	return f
}

// GetBytes returns the content of a file, nothing where it is not there.
func (f files) GetBytes(name string) []byte {
	if data, ok := f[name]; ok {
		return data
	}
	return []byte{}
}

// Get returns the content of a file as text.
func (f files) Get(name string) string { return string(f.GetBytes(name)) }

// Glob returns the files whose names a pattern matches.
func (f files) Glob(pattern string) files {
	found := files{}
	for name, data := range f {
		if ok, err := doublestar.Match(pattern, name); err == nil && ok {
			found[name] = data
		}
	}
	return found
}

// AsConfig returns the files as the data of a ConfigMap.
func (f files) AsConfig() string {
	data := map[string]string{}
	for _, name := range f.names() {
		data[path.Base(name)] = string(f[name])
	}
	return toYAML(data)
}

// AsSecrets returns the files as the data of a Secret.
func (f files) AsSecrets() string {
	data := map[string]string{}
	for _, name := range f.names() {
		data[path.Base(name)] = base64.StdEncoding.EncodeToString(f[name])
	}
	return toYAML(data)
}

func (f files) names() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Lines returns the lines of a file.
func (f files) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}

// kubeVersion is what templates see as .Capabilities.KubeVersion.
type kubeVersion struct{ Version, Major, Minor string }

// String returns the version.
func (v *kubeVersion) String() string { return v.Version }

// GitVersion returns the version, by its old name.
func (v *kubeVersion) GitVersion() string { return v.Version }

type versionSet []string

// Has reports whether the cluster has an API.
func (v versionSet) Has(apiVersion string) bool { return slices.Contains(v, apiVersion) }

type helmVersion struct{ Version, GitCommit, GitTreeState, GoVersion string }

// clusterCapabilities is what templates see as .Capabilities.
type clusterCapabilities struct {
	KubeVersion kubeVersion
	APIVersions versionSet
	HelmVersion helmVersion
}

// KubernetesVersion is the version of the cluster that charts are rendered for.
const KubernetesVersion = "v1.34.0"

// apiVersions are the APIs that every cluster of this version has, and those that Helm knows beside
// (https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/).
var apiVersions = versionSet{
	"v1", "admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1alpha1", "admissionregistration.k8s.io/v1beta1", "apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1",
	"apps/v1", "apps/v1beta1", "apps/v1beta2", "authentication.k8s.io/v1", "authentication.k8s.io/v1alpha1", "authentication.k8s.io/v1beta1", "authorization.k8s.io/v1", "authorization.k8s.io/v1beta1",
	"autoscaling/v1", "autoscaling/v2", "autoscaling/v2beta1", "autoscaling/v2beta2", "batch/v1", "batch/v1beta1", "certificates.k8s.io/v1", "certificates.k8s.io/v1alpha1", "certificates.k8s.io/v1beta1",
	"coordination.k8s.io/v1", "coordination.k8s.io/v1alpha2", "coordination.k8s.io/v1beta1", "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1", "events.k8s.io/v1", "events.k8s.io/v1beta1",
	"extensions/v1beta1", "flowcontrol.apiserver.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3",
	"internal.apiserver.k8s.io/v1alpha1", "networking.k8s.io/v1", "networking.k8s.io/v1beta1", "node.k8s.io/v1", "node.k8s.io/v1alpha1", "node.k8s.io/v1beta1", "policy/v1", "policy/v1beta1",
	"rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1beta1", "resource.k8s.io/v1", "resource.k8s.io/v1alpha3", "resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2",
	"scheduling.k8s.io/v1", "scheduling.k8s.io/v1alpha1", "scheduling.k8s.io/v1beta1", "storage.k8s.io/v1", "storage.k8s.io/v1alpha1", "storage.k8s.io/v1beta1", "storagemigration.k8s.io/v1alpha1",
}

func capabilities() *clusterCapabilities {
	parts := strings.Split(strings.TrimPrefix(KubernetesVersion, "v"), ".")
	return &clusterCapabilities{
		KubeVersion: kubeVersion{Version: KubernetesVersion, Major: parts[0], Minor: parts[1]}, APIVersions: apiVersions,
		HelmVersion: helmVersion{Version: "v3.22.0", GoVersion: "go1.26"},
	}
}
