package kube

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// terraformKinds are the resources of Terraform's kubernetes provider, without prefix and version, and what they make
// (https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs).
var terraformKinds = map[string][2]string{
	"pod":                              {"v1", "Pod"},
	"replication_controller":           {"v1", "ReplicationController"},
	"deployment":                       {"apps/v1", "Deployment"},
	"stateful_set":                     {"apps/v1", "StatefulSet"},
	"daemonset":                        {"apps/v1", "DaemonSet"},
	"daemon_set":                       {"apps/v1", "DaemonSet"},
	"job":                              {"batch/v1", "Job"},
	"cron_job":                         {"batch/v1", "CronJob"},
	"service":                          {"v1", "Service"},
	"service_account":                  {"v1", "ServiceAccount"},
	"namespace":                        {"v1", "Namespace"},
	"config_map":                       {"v1", "ConfigMap"},
	"secret":                           {"v1", "Secret"},
	"ingress":                          {"networking.k8s.io/v1", "Ingress"},
	"ingress_class":                    {"networking.k8s.io/v1", "IngressClass"},
	"network_policy":                   {"networking.k8s.io/v1", "NetworkPolicy"},
	"role":                             {"rbac.authorization.k8s.io/v1", "Role"},
	"role_binding":                     {"rbac.authorization.k8s.io/v1", "RoleBinding"},
	"cluster_role":                     {"rbac.authorization.k8s.io/v1", "ClusterRole"},
	"cluster_role_binding":             {"rbac.authorization.k8s.io/v1", "ClusterRoleBinding"},
	"persistent_volume_claim":          {"v1", "PersistentVolumeClaim"},
	"persistent_volume":                {"v1", "PersistentVolume"},
	"limit_range":                      {"v1", "LimitRange"},
	"resource_quota":                   {"v1", "ResourceQuota"},
	"horizontal_pod_autoscaler":        {"autoscaling/v2", "HorizontalPodAutoscaler"},
	"pod_disruption_budget":            {"policy/v1", "PodDisruptionBudget"},
	"storage_class":                    {"storage.k8s.io/v1", "StorageClass"},
	"validating_webhook_configuration": {"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"},
	"mutating_webhook_configuration":   {"admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"},
}

// addTerraform adds what a Terraform resource declares of Kubernetes.
func (m *Model) addTerraform(r *inventory.Resource) {
	switch r.Type {
	case "helm_release":
		m.Releases = append(m.Releases, &Release{
			Resource: r, Name: r.Get("name"), Namespace: r.Get("namespace"), Chart: r.Get("chart"), Repository: r.Get("repository"), Version: r.Get("version"), Values: r.Get("values"),
		})
		return
	case "kubernetes_manifest":
		if body := r.Get("manifest"); body.Kind() == inventory.Map {
			m.add(newObject(r, body, r.Root))
		}
		return
	case "kubectl_manifest":
		text := r.Get("yaml_body")
		if inner, ok := text.Encoded(); ok && inner.Kind() == inventory.Map {
			m.add(newObject(r, inner, r.Root))
			return
		}
		if written, ok := text.Text(); ok {
			for _, doc := range inventory.ReadYAML(r.Location.Path, []byte(written)) {
				if doc.Err == nil && doc.Value.Kind() == inventory.Map {
					m.add(newObject(r, doc.Value.Moved(func(inventory.Location) inventory.Location { return text.Location() }), r.Root))
				}
			}
		}
		return
	}
	name, ok := strings.CutPrefix(r.Type, "kubernetes_")
	if !ok {
		return
	}
	for _, version := range []string{"_v1", "_v1beta1", "_v2", "_v2beta2"} {
		name = strings.TrimSuffix(name, version)
	}
	kind, ok := terraformKinds[name]
	if !ok {
		return
	}
	at := r.Values.Location()
	body := renamed(r.Values, kind[1], "")
	fields := append([]inventory.Field{}, body.Fields()...)
	fields = append(fields, inventory.Field{Name: "apiVersion", Value: inventory.StringValue(kind[0], at)}, inventory.Field{Name: "kind", Value: inventory.StringValue(kind[1], at)})
	m.add(newObject(r, inventory.MapValue(fields, at), r.Root))
}

// listBlocks are the blocks of the provider that stand for a list of the API, by name, and the list's name.
var listBlocks = map[string]string{
	"container": "containers", "init_container": "initContainers", "port": "ports", "ports": "ports", "env": "env", "env_from": "envFrom",
	"volume": "volumes", "volume_mount": "volumeMounts", "volume_device": "volumeDevices", "toleration": "tolerations", "rule": "rules", "path": "paths",
	"image_pull_secrets": "imagePullSecrets", "host_aliases": "hostAliases", "from": "from", "to": "to", "ingress": "ingress", "egress": "egress",
	"match_expressions": "matchExpressions", "tls": "tls", "subject": "subjects", "topology_spread_constraint": "topologySpreadConstraints",
	"sysctl": "sysctls", "volume_claim_template": "volumeClaimTemplates", "items": "items", "http_header": "httpHeaders", "sources": "sources",
}

// labelMaps are attributes whose keys are the user's own and are kept as they are.
var labelMaps = map[string]bool{
	"labels": true, "annotations": true, "match_labels": true, "data": true, "string_data": true, "binary_data": true, "node_selector": true,
	"limits": true, "requests": true, "parameters": true,
}

// initialisms are names that the general rule does not give.
var initialisms = map[string]string{
	"host_ip": "hostIP", "cluster_ip": "clusterIP", "cluster_ips": "clusterIPs", "external_ips": "externalIPs", "load_balancer_ip": "loadBalancerIP",
	"host_pid": "hostPID", "host_ipc": "hostIPC", "string_data": "stringData",
}

// renamed returns attributes and blocks of the provider with the names of the API; within is the name of the block that holds v.
func renamed(v inventory.Value, kind, within string) inventory.Value {
	switch v.Kind() {
	case inventory.List:
		elements := make([]inventory.Value, 0, len(v.Elements()))
		for _, e := range v.Elements() {
			elements = append(elements, renamed(e, kind, within))
		}
		return inventory.ListValue(elements, v.Location())
	case inventory.Map:
		fields := make([]inventory.Field, 0, len(v.Fields()))
		for _, f := range v.Fields() {
			fields = append(fields, renamedField(f, kind, within))
		}
		return inventory.MapValue(fields, v.Location())
	}
	return v
}

func renamedField(f inventory.Field, kind, within string) inventory.Field {
	name, v := f.Name, f.Value
	if labelMaps[name] || name == "selector" && (kind == "Service" || kind == "ReplicationController") {
		return inventory.Field{Name: camel(name), Value: single(v)}
	}
	list, isList := listBlocks[name]
	switch {
	case name == "port" && within == "service", // of an Ingress: one port
		v.IsUnknown() && name == "port" && within != "container" && within != "spec",
		v.IsUnknown() && name == "path" && within != "http":
		isList = false
	case !holdsBlocks(v):
		isList = false
	}
	inner := renamed(v, kind, name)
	if isList {
		if inner.Kind() == inventory.Map {
			inner = inventory.ListValue([]inventory.Value{inner}, inner.Location())
		}
		return inventory.Field{Name: list, Value: inner}
	}
	if holdsBlocks(v) {
		inner = single(inner)
	}
	return inventory.Field{Name: camel(name), Value: inner}
}

// holdsBlocks reports whether a value is a block, or blocks.
func holdsBlocks(v inventory.Value) bool {
	switch v.Kind() {
	case inventory.Map, inventory.Unknown:
		return true
	case inventory.List:
		return len(v.Elements()) > 0 && (v.Elements()[0].Kind() == inventory.Map || v.Elements()[0].IsRest())
	}
	return false
}

// single returns the block of a list of one.
func single(v inventory.Value) inventory.Value {
	if v.Kind() == inventory.List && len(v.Elements()) == 1 && v.Elements()[0].Kind() == inventory.Map {
		return v.Elements()[0]
	}
	return v
}

func camel(name string) string {
	if whole, ok := initialisms[name]; ok {
		return whole
	}
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
