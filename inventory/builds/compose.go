package builds

import (
	"maps"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// documents returns the documents of a YAML file that can be read, and notes the others.
func (r *reader) documents(name string, data []byte) []inventory.Value {
	var list []inventory.Value
	for _, doc := range inventory.ReadYAML(name, data) {
		if doc.Err != nil {
			r.notice("unreadable-file", inventory.Location{Path: name, Line: doc.Line}, "%s can't be read: %v", name, doc.Err)
			continue
		}
		list = append(list, doc.Value)
	}
	return list
}

// compose reads a Compose file: the images that its services run, the ones that they build, and each service as a resource
// (https://docs.docker.com/reference/compose-file/).
func (r *reader) compose(name string, data []byte) {
	dir := path.Dir(name)
	for _, doc := range r.documents(name, data) {
		services := doc.Get("services")
		if services.Kind() != inventory.Map {
			continue
		}
		env := r.environment(dir)
		for _, f := range services.Fields() {
			if f.Value.Kind() != inventory.Map {
				continue
			}
			service := serviceOf(f.Value, env)
			image, _ := service.Get("image").Text()
			built := service.Get("build")
			if image != "" && built.IsNull() {
				r.image(image, service.Get("image").Location())
			}
			r.inv.Automation = append(r.inv.Automation, &inventory.Resource{
				ID: inventory.ID(name + "#" + f.Name), Type: "compose/service", Name: f.Name, Language: inventory.Compose, Root: name, Location: f.Value.Location(), Values: service,
			})
			if built.IsNull() {
				continue
			}
			q := request{at: built.Location(), names: []string{image}}
			if image == "" {
				q.names = []string{project(doc, dir) + "-" + f.Name, project(doc, dir) + "_" + f.Name}
			}
			context, ok := built.Text() // short form
			if ok {
				q.context = path.Join(dir, context)
			} else {
				context, _ = built.Get("context").Text()
				if remote(context) {
					continue
				}
				q.context = path.Join(dir, context)
				if file, ok := built.Get("dockerfile").Text(); ok {
					q.recipe = path.Join(q.context, file)
				}
				q.target, _ = built.Get("target").Text()
				q.args = pairs(built.Get("args"))
				for _, tag := range built.Get("tags").Elements() {
					text, _ := tag.Text()
					q.names = append(q.names, text)
				}
				if !built.Get("dockerfile_inline").IsNull() {
					q.recipe = name + "#" + f.Name // there is no file
				}
			}
			if !remote(context) {
				r.ask(q)
			}
		}
	}
}

// serviceOf returns a service with its variables in place. Its environment stays as it is written: what a variable has in
// a .env file is not what the Compose file says.
func serviceOf(written inventory.Value, env map[string]string) inventory.Value {
	var fields []inventory.Field
	for _, f := range written.Fields() {
		if f.Name != "environment" {
			f.Value = withVariables(f.Value, env)
		}
		fields = append(fields, f)
	}
	return inventory.MapValue(fields, written.Location())
}

// remote reports whether a context is a repository elsewhere.
func remote(context string) bool {
	return strings.Contains(context, "://") || strings.HasPrefix(context, "git@") || strings.HasPrefix(context, "github.com/")
}

// project returns the name of a Compose project: what the file says, else its folder.
func project(doc inventory.Value, dir string) string {
	if name, ok := doc.Get("name").Text(); ok && name != "" {
		return name
	}
	if dir == "." {
		return "*"
	}
	return strings.ToLower(path.Base(dir))
}

// pairs returns a map, or a list of NAME=VALUE, as a map. A name without value is given from outside.
func pairs(v inventory.Value) map[string]string {
	m := map[string]string{}
	if v.Kind() == inventory.Map {
		for _, f := range v.Fields() {
			if text, ok := f.Value.Text(); ok {
				m[f.Name] = text
			}
		}
		return m
	}
	for _, e := range v.Elements() {
		text, _ := e.Text()
		if key, value, ok := strings.Cut(text, "="); ok {
			m[key] = value
		}
	}
	return m
}

// skaffold reads the artifacts of a skaffold.yaml (https://skaffold.dev/docs/references/yaml/).
func (r *reader) skaffold(name string, data []byte) {
	dir := path.Dir(name)
	for _, doc := range r.documents(name, data) {
		if version, _ := doc.Get("apiVersion").Text(); !strings.HasPrefix(version, "skaffold/") {
			continue
		}
		artifacts := doc.Get("build", "artifacts").Elements()
		for _, p := range doc.Get("profiles").Elements() {
			artifacts = append(artifacts, p.Get("build", "artifacts").Elements()...)
		}
		for _, a := range artifacts {
			image, _ := a.Get("image").Text()
			context, _ := a.Get("context").Text()
			q := request{context: path.Join(dir, interpolated(context, nil, 0)), names: []string{"*/" + image, image}, at: a.Location()}
			switch {
			case !a.Get("jib").IsNull():
				q.kind = inventory.BuildJib
			case !a.Get("ko").IsNull():
				q.kind = inventory.BuildKo
			case !a.Get("buildpacks").IsNull():
				q.kind = inventory.BuildBuildpack
			default:
				options := a.Get("docker")
				if options.IsNull() {
					options = a.Get("kaniko")
				}
				if file, ok := options.Get("dockerfile").Text(); ok {
					q.recipe = path.Join(q.context, file)
				}
				q.target, _ = options.Get("target").Text()
				q.args = pairs(options.Get("buildArgs"))
			}
			r.ask(q)
		}
	}
}

// bakeTarget is one target of a bake file.
type bakeTarget struct {
	context, dockerfile, target string
	inherits, tags              []string
	args                        map[string]string
	at                          inventory.Location
}

// targets turns the targets of a bake file into requests (https://docs.docker.com/build/bake/reference/).
func (r *reader) targets(dir string, all map[string]bakeTarget) {
	var whole func(name string, depth int) bakeTarget
	whole = func(name string, depth int) bakeTarget {
		own := all[name]
		t := bakeTarget{args: map[string]string{}, at: own.at}
		if depth < 10 {
			for _, parent := range own.inherits {
				p := whole(parent, depth+1)
				t.take(p)
			}
		}
		t.take(own)
		t.at = own.at
		return t
	}
	for name := range all {
		t := whole(name, 0)
		if remote(t.context) {
			continue
		}
		q := request{context: path.Join(dir, t.context), target: t.target, args: t.args, names: t.tags, at: t.at}
		if t.dockerfile != "" {
			q.recipe = path.Join(q.context, t.dockerfile)
		}
		if t.context == "" && t.dockerfile == "" && len(t.tags) == 0 {
			continue // only there to inherit from
		}
		r.ask(q)
	}
}

func (t *bakeTarget) take(from bakeTarget) {
	if from.context != "" {
		t.context = from.context
	}
	if from.dockerfile != "" {
		t.dockerfile = from.dockerfile
	}
	if from.target != "" {
		t.target = from.target
	}
	if len(from.tags) > 0 {
		t.tags = from.tags
	}
	maps.Copy(t.args, from.args)
}
