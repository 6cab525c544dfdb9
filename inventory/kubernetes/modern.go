package kubernetes

import (
	"strings"
)

// modernise writes the deprecated fields of a kustomization as those that took their place
// (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/). For each of them the library would print a
// warning on standard error, which is not its to write to.
func modernise(content map[string]any) {
	if bases, ok := content["bases"].([]any); ok {
		resources, _ := content["resources"].([]any)
		content["resources"] = append(append([]any{}, resources...), bases...)
	}
	delete(content, "bases")
	if labels, ok := content["commonLabels"].(map[string]any); ok && len(labels) > 0 {
		list, _ := content["labels"].([]any)
		content["labels"] = append(append([]any{}, list...), map[string]any{"pairs": labels, "includeSelectors": true})
	}
	delete(content, "commonLabels")
	if tags, ok := content["imageTags"].([]any); ok {
		images, _ := content["images"].([]any)
		content["images"] = append(append([]any{}, images...), tags...)
	}
	delete(content, "imageTags")

	var patches []any
	if list, ok := content["patchesStrategicMerge"].([]any); ok { // they come before the others
		for _, e := range list {
			text, _ := e.(string)
			key := "path"
			if strings.Contains(text, "\n") {
				key = "patch"
			}
			patches = append(patches, map[string]any{key: text})
		}
	}
	delete(content, "patchesStrategicMerge")
	own, _ := content["patches"].([]any)
	patches = append(patches, own...)
	if list, ok := content["patchesJson6902"].([]any); ok {
		// They run after names, namespaces and labels are set, which only matters to those that change metadata.
		patches = append(patches, list...)
		delete(content, "patchesJson6902")
	}
	if len(patches) > 0 {
		content["patches"] = patches
	}
}
