package builds

import (
	"maps"
	"path"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxMatrix bounds the jobs that a matrix makes; GitHub allows 256.
const maxMatrix = 256

// workflow reads a GitHub workflow or an action: the images that its steps build and run in
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax).
func (r *reader) workflow(name string, data []byte) {
	for _, doc := range r.documents(name, data) {
		if doc.Kind() != inventory.Map {
			continue
		}
		jobs, runs := doc.Get("jobs"), doc.Get("runs")
		if jobs.IsNull() && runs.IsNull() {
			continue
		}
		scope := map[string]inventory.Value{"env": doc.Get("env"), "inputs": defaults(doc)}
		for _, job := range jobs.Fields() {
			r.jobImages(job.Value)
			for _, combination := range matrix(job.Value.Get("strategy", "matrix")) {
				in := maps.Clone(scope)
				in["matrix"] = combination
				in["env"] = merged(doc.Get("env"), job.Value.Get("env"))
				r.steps(job.Value, in)
			}
		}
		if !runs.IsNull() {
			r.steps(runs, scope)
			if image, _ := runs.Get("image").Text(); image == "Dockerfile" {
				r.ask(request{context: path.Dir(name), at: runs.Get("image").Location()})
			} else if docker, ok := strings.CutPrefix(image, "docker://"); ok {
				r.image(docker, runs.Get("image").Location())
			}
		}
	}
}

// jobImages notes the images that a job runs in and beside.
func (r *reader) jobImages(job inventory.Value) {
	container := job.Get("container")
	images := []inventory.Value{container.Get("image"), container}
	for _, s := range job.Get("services").Fields() {
		images = append(images, s.Value.Get("image"))
	}
	for _, v := range images {
		if text, ok := v.Text(); ok && !strings.Contains(text, "${{") {
			r.image(text, v.Location())
		}
	}
	for _, s := range job.Get("steps").Elements() {
		uses := s.Get("uses")
		if text, _ := uses.Text(); strings.HasPrefix(text, "docker://") {
			r.image(strings.TrimPrefix(text, "docker://"), uses.Location())
		}
	}
}

// defaults returns the inputs of a workflow or an action with their defaults.
func defaults(doc inventory.Value) inventory.Value {
	var fields []inventory.Field
	on := doc.Get("on")
	for _, inputs := range []inventory.Value{doc.Get("inputs"), on.Get("workflow_call", "inputs"), on.Get("workflow_dispatch", "inputs")} {
		for _, f := range inputs.Fields() {
			if d := f.Value.Get("default"); !d.IsNull() {
				fields = append(fields, inventory.Field{Name: f.Name, Value: d})
			}
		}
	}
	return inventory.MapValue(fields, doc.Location())
}

func merged(list ...inventory.Value) inventory.Value {
	var fields []inventory.Field
	for _, v := range list {
		fields = append(fields, v.Fields()...)
	}
	return inventory.MapValue(fields, inventory.Location{})
}

// matrix returns the combinations of a matrix: one without values where there is none.
func matrix(v inventory.Value) []inventory.Value {
	combinations := []inventory.Value{{}}
	for _, f := range v.Fields() {
		if f.Name == "include" || f.Name == "exclude" || f.Value.Kind() != inventory.List {
			continue
		}
		var more []inventory.Value
		for _, c := range combinations {
			for _, e := range f.Value.Elements() {
				if len(more) < maxMatrix {
					more = append(more, merged(c, inventory.MapValue([]inventory.Field{{Name: f.Name, Value: e}}, f.Value.Location())))
				}
			}
		}
		combinations = more
	}
	// An entry of include that contradicts nothing adds to the combinations; else it is one of its own. What is asked here is
	// only which images there are, and for that both are combinations.
	for _, e := range v.Get("include").Elements() {
		if len(combinations) < maxMatrix {
			combinations = append(combinations, e)
		}
	}
	return combinations
}

// expression is ${{ ... }} with a path of names in it.
var expression = regexp.MustCompile(`\$\{\{\s*([^}]*?)\s*\}\}`)

// evaluated returns a text with expressions in place. What is not known is a "*".
func evaluated(text string, scope map[string]inventory.Value, depth int) string {
	if !strings.Contains(text, "${{") || depth > 5 || len(text) > maxWord {
		return text
	}
	budget := maxWord
	return expression.ReplaceAllStringFunc(text, func(found string) (value string) {
		if budget < 0 {
			return "*"
		}
		defer func() { budget -= len(value) }()
		inside := expression.FindStringSubmatch(found)[1]
		for _, alternative := range strings.Split(inside, "||") {
			alternative = strings.TrimSpace(alternative)
			if len(alternative) >= 2 && alternative[0] == '\'' && alternative[len(alternative)-1] == '\'' && strings.Count(alternative, "'") == 2 {
				return alternative[1 : len(alternative)-1]
			}
			names := strings.Split(alternative, ".")
			if names[0] == "steps" && len(names) == 4 && names[2] == "outputs" { // of a step with this id
				if v := scope["steps"].Get(names[1], names[3]); !v.IsNull() {
					value, _ := v.Text()
					return value
				}
				return "*"
			}
			v, ok := scope[names[0]]
			if !ok {
				continue
			}
			if value, ok := v.Get(names[1:]...).Text(); ok && len(names) > 1 {
				return evaluated(value, scope, depth+1)
			}
		}
		return "*"
	})
}

// steps reads the steps of a job or an action.
func (r *reader) steps(job inventory.Value, scope map[string]inventory.Value) {
	base := "."
	if dir, ok := job.Get("defaults", "run", "working-directory").Text(); ok {
		base = moved(".", evaluated(dir, scope, 0))
	}
	var outputs []inventory.Field // of steps, by their ids
	for _, step := range job.Get("steps").Elements() {
		in := maps.Clone(scope)
		in["env"] = merged(scope["env"], step.Get("env"))
		in["steps"] = inventory.MapValue(append([]inventory.Field{}, outputs...), inventory.Location{})
		uses, _ := step.Get("uses").Text()
		action, _, _ := strings.Cut(uses, "@")
		with := func(name string) string {
			text, _ := step.Get("with", name).Text()
			return evaluated(text, in, 0)
		}
		switch {
		case action == "docker/build-push-action" || action == "redhat-actions/buildah-build":
			r.buildAction(step, with)
		case action == "docker/metadata-action":
			if id, ok := step.Get("id").Text(); ok {
				at := step.Get("with", "images").Location()
				var tags []string
				for _, image := range list(with("images")) {
					tags = append(tags, strings.TrimPrefix(image, "name=")+":*")
				}
				outputs = append(outputs, inventory.Field{Name: id, Value: inventory.MapValue([]inventory.Field{{Name: "tags", Value: inventory.StringValue(strings.Join(tags, "\n"), at)}}, at)})
			}
		}
		if run := step.Get("run"); !run.IsNull() {
			text, _ := run.Text()
			dir := base
			if d, ok := step.Get("working-directory").Text(); ok {
				dir = moved(".", evaluated(d, in, 0))
			}
			env := map[string]string{}
			for _, f := range in["env"].Fields() {
				if value, ok := f.Value.Text(); ok {
					env[f.Name] = evaluated(value, in, 0)
				}
			}
			first := run.Location()
			r.commands(evaluated(text, in, 0), dir, env, func(line int) inventory.Location {
				if first.EndLine > first.Line { // a block begins on the next line
					return inventory.Location{Path: first.Path, Line: first.Line + line}
				}
				return first
			})
		}
	}
}

// list splits a text with one entry a line, or separated by commas.
func list(text string) []string {
	var entries []string
	for _, e := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ',' }) {
		if e = strings.TrimSpace(e); e != "" {
			entries = append(entries, e)
		}
	}
	return entries
}

// buildAction reads a step that builds an image (https://github.com/docker/build-push-action#inputs). Its context is the
// repository where none is given.
func (r *reader) buildAction(step inventory.Value, with func(string) string) {
	context := with("context")
	if strings.HasPrefix(context, "*") || remote(context) {
		context = "." // the repository at the commit
	}
	q := request{context: path.Join(".", context), target: with("target"), at: step.Get("uses").Location(), args: map[string]string{}}
	for _, name := range append(list(with("tags")), list(with("image"))...) {
		q.names = append(q.names, strings.TrimPrefix(name, "type=raw,value="))
	}
	if file := with("file"); file != "" {
		q.recipe = path.Join(".", file)
	} else if file := with("containerfiles"); file != "" {
		q.recipe = path.Join(".", list(file)[0])
	}
	for _, a := range strings.Split(with("build-args"), "\n") {
		if key, value, ok := strings.Cut(strings.TrimSpace(a), "="); ok {
			q.args[key] = value
		}
	}
	if strings.Contains(q.target, "*") {
		q.target = ""
	}
	r.ask(q)
}

// gitlab reads the jobs of a GitLab pipeline: the images that they build and run in
// (https://docs.gitlab.com/ci/yaml/).
func (r *reader) gitlab(name string, data []byte) {
	for _, doc := range r.documents(name, data) {
		if doc.Kind() != inventory.Map {
			continue
		}
		global := variablesOf(doc.Get("variables"), nil)
		for _, f := range doc.Fields() {
			if f.Name == "variables" || f.Name == "include" || f.Name == "stages" || f.Name == "workflow" {
				continue
			}
			if f.Name == "image" {
				r.jobImage(f.Value, global)
				continue
			}
			if f.Value.Kind() != inventory.Map {
				continue
			}
			job := f.Value
			env := variablesOf(job.Get("variables"), global)
			r.jobImage(job.Get("image"), env)
			for _, s := range job.Get("services").Elements() {
				r.jobImage(s, env)
			}
			dir := "."
			for _, key := range []string{"before_script", "script", "after_script"} {
				for _, line := range lines(job.Get(key)) {
					text, _ := line.Text()
					at := line.Location()
					if to, ok := strings.CutPrefix(strings.TrimSpace(text), "cd "); ok && !strings.ContainsAny(to, " &;|") {
						dir = moved(dir, interpolated(to, env, 0))
						continue
					}
					r.commands(text, dir, env, func(int) inventory.Location { return at })
				}
			}
		}
	}
}

// lines returns the lines of a script, which may hold lists of lines.
func lines(v inventory.Value) []inventory.Value {
	var all []inventory.Value
	for _, e := range v.Elements() {
		if e.Kind() == inventory.List {
			all = append(all, e.Elements()...)
			continue
		}
		all = append(all, e)
	}
	return all
}

func variablesOf(v inventory.Value, outer map[string]string) map[string]string {
	env := map[string]string{"CI_PROJECT_DIR": "."}
	maps.Copy(env, outer)
	for _, f := range v.Fields() {
		value := f.Value
		if value.Kind() == inventory.Map {
			value = value.Get("value")
		}
		if text, ok := value.Text(); ok {
			env[f.Name] = interpolated(text, env, 0)
		}
	}
	return env
}

func (r *reader) jobImage(v inventory.Value, env map[string]string) {
	if v.Kind() == inventory.Map {
		v = v.Get("name")
	}
	if text, ok := v.Text(); ok {
		r.image(interpolated(text, env, 0), v.Location())
	}
}
