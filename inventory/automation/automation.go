// Package automation reads the files that build and run things around the code: Dockerfiles, the workflows and actions of
// GitHub, and the pipelines of GitLab with the files of the tree that they include. Each becomes a resource of
// Inventory.Automation whose values are what the file says, with lines; rules judge them.
//
// A workflow, action or pipeline has the values of its YAML. A Dockerfile has the field stages, each with base, name, parent (the index
// of an earlier stage; absent for an image), and instructions with name, text, flags and heredocs.
package automation

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/dockerfile"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Source reads the automation of a tree. The zero value is ready to use.
type Source struct{}

// Name implements inventory.Source.
func (Source) Name() string { return "automation" }

// maxWorkflow bounds a workflow or action, in bytes; GitHub takes 512 KB.
const maxWorkflow = 1 << 20

// Read implements inventory.Source.
func (Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	inv := new(inventory.Inventory)
	included := map[string]bool{} // by pipelines
	pipelines := map[string]bool{}
	read := func(name string, language inventory.Language) {
		data, err := tree.ReadFile(name)
		switch {
		case err != nil:
			notice(inv, inventory.Location{Path: name}, name+" can't be read: "+err.Error())
		case language == inventory.Dockerfile:
			readDockerfile(inv, name, data)
		case language == inventory.GitLabCI:
			pipelines[name] = true
			readPipeline(inv, name, data, included)
		default:
			readYAML(inv, name, language, data)
		}
	}
	for _, f := range tree.Files() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if language, ok := kind(f); ok {
			read(f.Path, language)
		}
	}
	for len(included) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		names := slices.Sorted(maps.Keys(included))
		clear(included)
		for _, name := range names {
			if !pipelines[name] && tree.Has(name) {
				read(name, inventory.GitLabCI)
			}
		}
	}
	inv.Sort()
	return inv, nil
}

// kind says by its name what a file is.
func kind(f inventory.File) (inventory.Language, bool) {
	if f.Vendored {
		return "", false
	}
	base := f.Base()
	lower := strings.ToLower(base)
	switch {
	case lower == "dockerfile", lower == "containerfile", strings.HasSuffix(lower, ".dockerfile"),
		(strings.HasPrefix(lower, "dockerfile.") || strings.HasPrefix(lower, "containerfile.")) && !strings.HasSuffix(lower, ".dockerignore") && path.Ext(lower) != ".md":
		return inventory.Dockerfile, true
	case base == "action.yml" || base == "action.yaml":
		return inventory.Action, true
	case path.Dir(f.Path) == ".github/workflows" && (strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")):
		return inventory.Workflow, true
	case strings.HasSuffix(lower, ".gitlab-ci.yml"), strings.HasSuffix(lower, ".gitlab-ci.yaml"):
		return inventory.GitLabCI, true
	}
	return "", false
}

func notice(inv *inventory.Inventory, at inventory.Location, message string) {
	inv.Notices = append(inv.Notices, inventory.Notice{Code: "unreadable-file", Location: &at, Message: message})
}

func add(inv *inventory.Inventory, language inventory.Language, name string, values inventory.Value) {
	inv.Automation = append(inv.Automation, &inventory.Resource{
		ID: inventory.ID(name), Type: string(language), Name: name, Language: language, Root: name, Location: inventory.Location{Path: name, Line: 1}, Values: values,
	})
}

func readYAML(inv *inventory.Inventory, name string, language inventory.Language, data []byte) {
	if len(data) > maxWorkflow {
		notice(inv, inventory.Location{Path: name}, name+" is larger than 1 MiB and was not read; GitHub takes 512 KB")
		return
	}
	documents := inventory.ReadYAML(name, data)
	if len(documents) == 0 {
		return
	}
	switch doc := documents[0]; { // neither has more than one
	case doc.Err != nil:
		notice(inv, inventory.Location{Path: name, Line: doc.Line}, name+" can't be read: "+doc.Err.Error())
	case language == inventory.Workflow && doc.Value.Get("jobs").IsNull(), language == inventory.Action && doc.Value.Get("runs").IsNull():
	default:
		add(inv, language, name, doc.Value)
	}
}

// readPipeline reads a file of a pipeline: the last of its documents, before which its inputs may stand
// (https://docs.gitlab.com/ci/inputs/). The files of the tree that it includes are added to included.
func readPipeline(inv *inventory.Inventory, name string, data []byte, included map[string]bool) {
	if len(data) > maxWorkflow {
		notice(inv, inventory.Location{Path: name}, name+" is larger than 1 MiB and was not read; GitLab takes 1 MiB")
		return
	}
	documents := inventory.ReadYAML(name, data)
	if len(documents) == 0 {
		return
	}
	doc := documents[len(documents)-1]
	if doc.Err != nil {
		notice(inv, inventory.Location{Path: name, Line: doc.Line}, name+" can't be read: "+doc.Err.Error())
		return
	}
	if doc.Value.Kind() != inventory.Map {
		return
	}
	for _, include := range includes(doc.Value) {
		file, ok := include.Text()
		if !ok {
			file, _ = include.Get("local").Text()
		}
		if file = strings.TrimPrefix(path.Clean(file), "/"); !strings.Contains(file, "://") && !strings.ContainsAny(file, "*$") {
			included[file] = true
		}
	}
	add(inv, inventory.GitLabCI, name, doc.Value)
}

// includes returns what a pipeline of GitLab includes: texts, which are files of the tree or addresses, and maps
// (https://docs.gitlab.com/ci/yaml/#include).
func includes(pipeline inventory.Value) []inventory.Value {
	switch include := pipeline.Get("include"); include.Kind() {
	case inventory.List:
		return include.Elements()
	case inventory.String, inventory.Map:
		return []inventory.Value{include}
	}
	return nil
}

func readDockerfile(inv *inventory.Inventory, name string, data []byte) {
	file, err := dockerfile.Parse(data)
	if err != nil {
		at := inventory.Location{Path: name}
		if broken := (*dockerfile.Error)(nil); errors.As(err, &broken) {
			at.Line = broken.Line
		}
		notice(inv, at, name+" can't be read from here on: "+err.Error())
	}
	if len(file.Stages) == 0 {
		return
	}
	whole := inventory.Location{Path: name, Line: 1}
	stages := make([]inventory.Value, len(file.Stages))
	for i, s := range file.Stages {
		stages[i] = stage(name, s)
	}
	arguments := make([]inventory.Value, len(file.Args))
	for i, a := range file.Args {
		arguments[i] = instruction(name, a)
	}
	add(inv, inventory.Dockerfile, name, inventory.MapValue([]inventory.Field{
		{Name: "arguments", Value: inventory.ListValue(arguments, whole)}, {Name: "stages", Value: inventory.ListValue(stages, whole)},
	}, whole))
}

func stage(name string, s dockerfile.Stage) inventory.Value {
	at := location(name, s.From)
	base := inventory.StringValue(s.Base, at)
	if len(s.Unresolved) > 0 {
		reasons := make([]inventory.Reason, len(s.Unresolved))
		for i, argument := range s.Unresolved {
			reasons[i] = inventory.Reason{Code: inventory.ParamNoDefault, Ref: argument}
		}
		base = inventory.UnknownValue(at, reasons...)
	}
	instructions := make([]inventory.Value, len(s.Instructions))
	for i, in := range s.Instructions {
		instructions[i] = instruction(name, in)
	}
	fields := []inventory.Field{
		{Name: "base", Value: base}, {Name: "written", Value: inventory.StringValue(s.Written, at)}, {Name: "instructions", Value: inventory.ListValue(instructions, at)},
	}
	if s.Name != "" {
		fields = append(fields, inventory.Field{Name: "name", Value: inventory.StringValue(s.Name, at)})
	}
	if s.Parent >= 0 {
		fields = append(fields, inventory.Field{Name: "parent", Value: inventory.NumberValue(float64(s.Parent), at)})
	}
	return inventory.MapValue(fields, at)
}

func instruction(name string, in dockerfile.Instruction) inventory.Value {
	at := location(name, in)
	return inventory.MapValue([]inventory.Field{
		{Name: "name", Value: inventory.StringValue(in.Name, at)}, {Name: "text", Value: inventory.StringValue(in.Text, at)},
		{Name: "flags", Value: texts(in.Flags, at)}, {Name: "heredocs", Value: texts(in.Heredocs, at)},
	}, at)
}

func texts(list []string, at inventory.Location) inventory.Value {
	values := make([]inventory.Value, len(list))
	for i, s := range list {
		values[i] = inventory.StringValue(s, at)
	}
	return inventory.ListValue(values, at)
}

func location(name string, in dockerfile.Instruction) inventory.Location {
	return inventory.Location{Path: name, Line: in.Line, EndLine: in.EndLine}
}
