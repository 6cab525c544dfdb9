//go:build ignore

// Command record_podsecurity prints which controls of the Pod Security Standards each pod of a manifest breaks, as JSON: what the
// admission controller of Kubernetes says itself. It was run in a module of its own with k8s.io/pod-security-admission v0.34.1:
//
//	go run record_podsecurity.go FOLDER... >podsecurity.json
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/policy"
)

type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string
	Metadata   metav1.ObjectMeta
	Spec       json.RawMessage
}

func main() {
	policy.RelaxPolicyForUserNamespacePods(true)
	checks := policy.DefaultChecks()
	out := map[string]map[string][]string{}
	for _, root := range os.Args[1:] {
		out[filepath.Base(root)] = folder(checks, root)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	enc.Encode(out)
}

func folder(checks []policy.Check, root string) map[string][]string {
	out := map[string][]string{}
	filepath.Walk(root, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		data, _ := os.ReadFile(name)
		dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
		for {
			var o object
			if err := dec.Decode(&o); err == io.EOF {
				break
			} else if err != nil {
				fmt.Fprintln(os.Stderr, name, err)
				break
			}
			var spec corev1.PodSpec
			var meta metav1.ObjectMeta
			get := func(path ...string) bool {
				raw := json.RawMessage(o.Spec)
				for _, p := range path {
					var m map[string]json.RawMessage
					if json.Unmarshal(raw, &m) != nil {
						return false
					}
					raw = m[p]
				}
				var t corev1.PodTemplateSpec
				if err := json.Unmarshal(raw, &t); err != nil {
					fmt.Fprintln(os.Stderr, name, o.Kind, err)
					return false
				}
				spec, meta = t.Spec, t.ObjectMeta
				return true
			}
			switch o.Kind {
			case "Pod":
				if json.Unmarshal(o.Spec, &spec) != nil {
					continue
				}
				meta = o.Metadata
			case "CronJob":
				if !get("jobTemplate", "spec", "template") {
					continue
				}
			case "Deployment", "DaemonSet", "StatefulSet", "Job", "ReplicaSet":
				if !get("template") {
					continue
				}
			default:
				continue
			}
			var broken []string
			for _, c := range checks {
				latest := c.Versions[len(c.Versions)-1]
				if !latest.CheckPod(&meta, &spec).Allowed {
					broken = append(broken, string(c.ID))
				}
			}
			sort.Strings(broken)
			ns := o.Metadata.Namespace
			if ns == "" {
				ns = "default"
			}
			rel, _ := filepath.Rel(root, name)
			out[filepath.ToSlash(rel)+" "+o.Kind+"/"+ns+"/"+o.Metadata.Name] = append([]string{}, broken...)
		}
		return nil
	})
	return out
}
