package cloudformation

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// settings is what files beside a template say about its deployments, by environment; "" is the one without a name.
type settings struct {
	environments map[string]*deployment
}

// deployment is a stack as a file beside its template describes it.
type deployment struct {
	name, region, account string
	parameters            map[string]inventory.Value
}

func (s *settings) of() map[string]*deployment {
	if s == nil {
		return nil
	}
	return s.environments
}

// at returns the deployment of a template for an environment, to be filled.
func (r *reading) at(template, environment string) *deployment {
	s := r.settings[template]
	if s == nil {
		s = &settings{map[string]*deployment{}}
		r.settings[template] = s
	}
	d := s.environments[environment]
	if d == nil {
		d = &deployment{parameters: map[string]inventory.Value{}}
		s.environments[environment] = d
	}
	return d
}

// readSettings reads parameter files, samconfig.toml and the manifests of cdk.out.
func (r *reading) readSettings() {
	for _, name := range r.tree.Named("samconfig.toml") {
		r.samConfig(name)
	}
	for _, name := range r.tree.Named("manifest.json") {
		r.cdkManifest(name)
	}
	templates := map[string][]string{} // by folder
	for _, name := range r.roots {
		templates[path.Dir(name)] = append(templates[path.Dir(name)], name)
	}
	for _, f := range r.tree.WithSuffix(".json") {
		if f.Vendored || otherFiles[f.Base()] || r.templates[f.Path] != nil {
			continue
		}
		dir := path.Dir(f.Path)
		candidates := templates[dir]
		if base := path.Base(dir); base == "parameters" || base == "params" {
			candidates = slices.Concat(candidates, templates[path.Dir(dir)])
		}
		for _, template := range candidates {
			environment, own, ok := parameterFile(f.Path, template)
			if !ok || !own && len(templates[path.Dir(template)]) > 1 {
				continue
			}
			values := r.parameters(f.Path, own)
			if len(values) == 0 {
				continue
			}
			d := r.at(template, environment)
			for key, value := range values {
				d.parameters[key] = value
			}
		}
	}
}

// parameterFile reports whether a file has the name of a parameter file of a template, and for which environment:
// stack.parameters.json, stack.prod.parameters.json, stack-prod.params.json, stack.parameters.prod.json, and without
// the name of the template where that is the only one of its folder. own says that the name is that of the template.
func parameterFile(name, template string) (environment string, own, ok bool) {
	stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(template), path.Ext(template)), ".template")
	rest := strings.TrimSuffix(path.Base(name), ".json")
	if after, found := strings.CutPrefix(rest, stem); found && (after == "" || strings.ContainsAny(after[:1], ".-_")) {
		rest, own = after, true
	}
	words := parameterWords.FindAllStringIndex(rest, -1)
	inFolder := path.Dir(name) != path.Dir(template)
	switch {
	case len(words) == 1:
		environment = rest[:words[0][0]] + rest[words[0][1]:]
	case len(words) > 1 || !inFolder:
		return "", false, false
	default:
		environment = rest
	}
	return strings.Trim(environment, ".-_"), own, true
}

var parameterWords = regexp.MustCompile(`(?:^|[.\-_])(?:parameters|params)(?:$|[.\-_])`)

// parameters reads a parameter file: the list of the AWS command line, the object of CodePipeline, or a plain object.
func (r *reading) parameters(name string, wanted bool) map[string]inventory.Value {
	data, err := r.tree.ReadFile(name)
	if err == nil && len(data) > maxParameters {
		err = fmt.Errorf("larger than %d KiB", maxParameters>>10)
	}
	var root *node
	if err == nil {
		root, err = parseJSON(name, data)
	}
	if err != nil {
		if wanted {
			r.notice("unreadable-file", place(err, inventory.Location{Path: name}), "%s can't be read: %v", name, err)
		}
		return nil
	}
	values := map[string]inventory.Value{}
	if root.kind == list {
		for _, item := range root.items {
			if key := item.get("ParameterKey").scalar(); key != "" {
				if v := item.get("ParameterValue"); v != nil {
					values[key] = v.value()
				}
			} else if key, v, ok := strings.Cut(item.scalar(), "="); ok {
				values[key] = inventory.StringValue(v, item.at)
			}
		}
		return values
	}
	if inner := root.get("Parameters"); inner != nil {
		root = inner
	}
	for _, e := range root.keys() {
		if e.value.kind != object && e.value.kind != list {
			values[e.key] = e.value.value()
		}
	}
	return values
}

// maxParameters bounds a parameter file: 200 parameters of 4,096 bytes are the most that CloudFormation takes.
const maxParameters = 4 << 20

// override is one parameter in the notations of the SAM command line.
var override = regexp.MustCompile(`(?:ParameterKey=([^,\s"]+),ParameterValue=|([A-Za-z0-9:]+)=)("(?:[^"\\]|\\.)*"|\S*)`)

// samConfig reads samconfig.toml
// (https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html).
func (r *reading) samConfig(name string) {
	data, err := r.tree.ReadFile(name)
	if err == nil && len(data) > maxParameters {
		err = fmt.Errorf("larger than %d KiB", maxParameters>>10)
	}
	var config map[string]any
	if err == nil {
		err = toml.Unmarshal(data, &config)
	}
	if err != nil {
		r.notice("unreadable-file", inventory.Location{Path: name}, "%s can't be read: %v", name, err)
		return
	}
	for environment, commands := range config {
		merged := map[string]any{}
		for _, command := range []string{"global", "deploy"} {
			if table, ok := field(field(commands, command), "parameters").(map[string]any); ok {
				for key, value := range table {
					merged[key] = value
				}
			}
		}
		if len(merged) == 0 {
			continue
		}
		template := r.samTemplate(path.Dir(name), merged)
		if template == "" {
			continue
		}
		if environment == "default" {
			environment = ""
		}
		d := r.at(template, environment)
		d.name, _ = merged["stack_name"].(string)
		d.region, _ = merged["region"].(string)
		at := inventory.Location{Path: name}
		switch overrides := merged["parameter_overrides"].(type) {
		case string:
			d.override(overrides, at)
		case []any:
			for _, item := range overrides {
				if text, ok := item.(string); ok {
					d.override(text, at)
				}
			}
		case map[string]any:
			for key, value := range overrides {
				d.parameters[key] = inventory.StringValue(fmt.Sprint(value), at)
			}
		}
	}
}

func (d *deployment) override(text string, at inventory.Location) {
	for _, m := range override.FindAllStringSubmatch(text, -1) {
		value := m[3]
		if len(value) > 1 && value[0] == '"' {
			value = strings.ReplaceAll(value[1:len(value)-1], `\"`, `"`)
		}
		d.parameters[m[1]+m[2]] = inventory.StringValue(value, at)
	}
}

func (r *reading) samTemplate(dir string, parameters map[string]any) string {
	for _, key := range []string{"template_file", "template"} {
		if name, ok := parameters[key].(string); ok {
			if name = path.Join(dir, name); r.templates[name] != nil {
				return name
			}
		}
	}
	for _, base := range []string{"template.yaml", "template.yml", "template.json"} {
		if name := path.Join(dir, base); r.templates[name] != nil {
			return name
		}
	}
	return ""
}

func field(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}

// cdkManifest reads the manifest of cdk.out
// (https://github.com/aws/aws-cdk, packages/@aws-cdk/cloud-assembly-schema).
func (r *reading) cdkManifest(name string) {
	dir := path.Dir(name)
	data, err := r.tree.ReadFile(name)
	if err != nil || len(data) > maxParameters || !strings.Contains(string(data), "aws:cloudformation:stack") {
		return // manifest.json is the name of many other things
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type        string
			Environment string
			Properties  struct {
				TemplateFile, StackName string
				Parameters              map[string]string
			}
		}
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		r.notice("unreadable-file", inventory.Location{Path: name}, "%s can't be read: %v", name, err)
		return
	}
	for id, artifact := range manifest.Artifacts {
		template := path.Join(dir, artifact.Properties.TemplateFile)
		if artifact.Type != "aws:cloudformation:stack" || r.templates[template] == nil {
			continue
		}
		d := r.at(template, "")
		if d.name = artifact.Properties.StackName; d.name == "" {
			d.name = id
		}
		if account, region, ok := strings.Cut(strings.TrimPrefix(artifact.Environment, "aws://"), "/"); ok {
			if !strings.HasPrefix(account, "unknown") {
				d.account = account
			}
			if !strings.HasPrefix(region, "unknown") {
				d.region = region
			}
		}
		for key, value := range artifact.Properties.Parameters {
			if !strings.Contains(value, "${") {
				d.parameters[key] = inventory.StringValue(value, inventory.Location{Path: name})
			}
		}
	}
}

// deployment returns the stack of a template with everything that is given to it.
func (r *run) deployment(t *template) *stack {
	s := r.newStack(t, t.path)
	s.region = r.source.Region
	s.name = inventory.UnknownValue(t.root.at, stackName)
	d := r.settings[t.path].of()[r.environment]
	if d == nil {
		d = r.settings[t.path].of()[""]
	}
	if d != nil {
		for key, value := range d.parameters {
			s.given[key] = value
		}
		if d.name != "" {
			s.name = inventory.StringValue(d.name, t.root.at)
		}
		if d.region != "" {
			s.region = d.region
		}
		s.account = d.account
	}
	for _, e := range r.source.Environments {
		if e.Name != r.environment || !e.Covers(t.path) {
			continue
		}
		for _, name := range e.ParameterFiles {
			for key, value := range r.parameters(name, true) {
				s.given[key] = value
			}
		}
	}
	for key, value := range r.source.Params {
		if t.root.find("Parameters", key) != nil {
			r.used[key] = true
			s.given[key] = inventory.StringValue(value, t.root.find("Parameters", key).at)
		}
	}
	return s
}
