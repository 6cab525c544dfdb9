package kube

import (
	"github.com/trifecta-scanner/trifecta/inventory"
)

// workloads says where each kind that runs pods keeps their template.
var workloads = map[string][]string{
	"/Pod":                               {},
	"/ReplicationController":             {"spec", "template"},
	"apps/Deployment":                    {"spec", "template"},
	"apps/StatefulSet":                   {"spec", "template"},
	"apps/DaemonSet":                     {"spec", "template"},
	"apps/ReplicaSet":                    {"spec", "template"},
	"extensions/Deployment":              {"spec", "template"},
	"extensions/DaemonSet":               {"spec", "template"},
	"extensions/ReplicaSet":              {"spec", "template"},
	"batch/Job":                          {"spec", "template"},
	"batch/CronJob":                      {"spec", "jobTemplate", "spec", "template"},
	"apps.openshift.io/DeploymentConfig": {"spec", "template"},
	"argoproj.io/Rollout":                {"spec", "template"},
	"serving.knative.dev/Service":        {"spec", "template"},
}

// Workload runs pods.
type Workload struct {
	Object
	Pod Pod
	// Replicas is how many pods are asked for; Null where the kind has no such field or it is not written.
	Replicas inventory.Value
	// WorkloadRef is the Deployment that an Argo Rollout without a template of its own takes it from.
	WorkloadRef inventory.Value
	Knative     bool // a Knative Service, which has its own way in and no Service object in the code
}

// Pod is the template of a workload's pods.
type Pod struct {
	Labels         inventory.Value
	Annotations    inventory.Value
	ServiceAccount inventory.Value // its name; Null: the one called default
	HostNetwork    inventory.Value
	HostPID        inventory.Value
	HostIPC        inventory.Value
	// SecurityContext is that of the pod, as written.
	SecurityContext inventory.Value
	// Containers are those that run, the ones before them and the ephemeral ones, in this order.
	Containers []Container
	Volumes    inventory.Value
	Spec       inventory.Value // all of it, as written
}

// ContainerRole says when a container of a pod runs.
type ContainerRole uint8

// The roles of containers.
const (
	RoleMain      ContainerRole = iota
	RoleInit                    // before the main ones
	RoleSidecar                 // an init container that keeps running
	RoleEphemeral               // added for debugging
)

// Container is one container of a pod.
type Container struct {
	Role  ContainerRole
	Name  string
	Image inventory.Value
	Ports []ContainerPort
	// SecurityContext is that of the container, as written; what it leaves out is the pod's.
	SecurityContext inventory.Value
	Command         []inventory.Value
	Args            []inventory.Value
	Values          inventory.Value // all of it, as written
}

// ContainerPort is a port that a container declares.
type ContainerPort struct {
	Name     string
	Port     inventory.Value
	HostPort inventory.Value // Null: none; a pod on the host's network has its ports on the host
	HostIP   inventory.Value
	Protocol string // TCP, UDP, SCTP; empty where it is not known
	Location inventory.Location
}

func newWorkload(o *Object, template []string) *Workload {
	w := &Workload{Object: *o, Replicas: o.Get("spec", "replicas"), WorkloadRef: o.Get("spec", "workloadRef"), Knative: o.Group == "serving.knative.dev"}
	w.Pod = newPod(o.Get(template...))
	if w.Knative {
		for i := range w.Pod.Containers {
			if c := &w.Pod.Containers[i]; c.Role == RoleMain && len(c.Ports) == 0 && len(w.Pod.Containers) == 1 {
				// https://knative.dev/docs/serving/services/: the port is 8080 unless one is declared
				at := c.Values.Location()
				c.Ports = []ContainerPort{{Port: inventory.NumberValue(8080, at).AsDefault(), Protocol: "TCP", Location: at}}
			}
		}
	}
	return w
}

func newPod(template inventory.Value) Pod {
	spec := template.Get("spec")
	p := Pod{
		Labels: template.Get("metadata", "labels"), Annotations: template.Get("metadata", "annotations"),
		ServiceAccount: spec.Get("serviceAccountName"), HostNetwork: spec.Get("hostNetwork"), HostPID: spec.Get("hostPID"), HostIPC: spec.Get("hostIPC"),
		SecurityContext: spec.Get("securityContext"), Volumes: spec.Get("volumes"), Spec: spec,
	}
	if p.ServiceAccount.IsNull() {
		p.ServiceAccount = spec.Get("serviceAccount") // its old name
	}
	for _, c := range blocks(spec.Get("containers")) {
		p.Containers = append(p.Containers, newContainer(c, RoleMain))
	}
	for _, c := range blocks(spec.Get("initContainers")) {
		role := RoleInit
		if restart, _ := c.Get("restartPolicy").Text(); restart == "Always" {
			role = RoleSidecar
		}
		p.Containers = append(p.Containers, newContainer(c, role))
	}
	for _, c := range blocks(spec.Get("ephemeralContainers")) {
		p.Containers = append(p.Containers, newContainer(c, RoleEphemeral))
	}
	return p
}

// blocks returns the elements of a list that are maps or unknown; others are mistakes.
func blocks(v inventory.Value) []inventory.Value {
	var list []inventory.Value
	for _, e := range v.Elements() {
		if e.Kind() == inventory.Map || e.IsUnknown() {
			list = append(list, e)
		}
	}
	return list
}

func newContainer(v inventory.Value, role ContainerRole) Container {
	c := Container{
		Role: role, Image: v.Get("image"), SecurityContext: v.Get("securityContext"), Values: v,
		Command: v.Get("command").Elements(), Args: v.Get("args").Elements(),
	}
	c.Name, _ = v.Get("name").Text()
	for _, p := range blocks(v.Get("ports")) {
		port := ContainerPort{Port: p.Get("containerPort"), HostPort: p.Get("hostPort"), HostIP: p.Get("hostIP"), Protocol: protocol(p.Get("protocol")), Location: p.Location()}
		port.Name, _ = p.Get("name").Text()
		c.Ports = append(c.Ports, port)
	}
	return c
}

// protocol returns the protocol of a port, TCP where none is written.
func protocol(v inventory.Value) string {
	if v.IsNull() {
		return "TCP"
	}
	text, _ := v.Text()
	return text
}

// Ports returns the ports of the containers that run while the pod serves.
func (p *Pod) Ports() []ContainerPort {
	var ports []ContainerPort
	for _, c := range p.Containers {
		if c.Role == RoleMain || c.Role == RoleSidecar {
			ports = append(ports, c.Ports...)
		}
	}
	return ports
}

// Images returns the images of all containers.
func (p *Pod) Images() []inventory.Value {
	images := make([]inventory.Value, 0, len(p.Containers))
	for _, c := range p.Containers {
		images = append(images, c.Image)
	}
	return images
}
