package infra

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// pipeline is one file of a pipeline of GitLab.
type pipeline struct {
	*inventory.Resource
	jobs []pipelineJob // and the templates of jobs, whose names begin with a dot
}

type pipelineJob struct {
	name   string
	values inventory.Value
}

// noJobs are the keys of a pipeline that name no job (https://docs.gitlab.com/ci/yaml/#keywords).
var noJobs = []string{"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script", "after_script", "spec", "types"}

func newPipeline(r *inventory.Resource) *pipeline {
	p := &pipeline{Resource: r}
	for _, f := range r.Values.Fields() {
		if f.Value.Kind() == inventory.Map && !slices.Contains(noJobs, f.Name) {
			p.jobs = append(p.jobs, pipelineJob{f.Name, f.Value})
		}
	}
	slices.SortStableFunc(p.jobs, func(a, b pipelineJob) int { return a.values.Location().Compare(b.values.Location()) })
	return p
}

// parts returns what may have settings of jobs: the file, its defaults and its jobs.
func (p *pipeline) parts() []inventory.Value {
	parts := []inventory.Value{p.Values, p.Get("default")}
	for _, j := range p.jobs {
		parts = append(parts, j.values)
	}
	return parts
}

// images returns the images that jobs and their services run, as they are written.
func (p *pipeline) images() []inventory.Value {
	var images []inventory.Value
	named := func(v inventory.Value) {
		if v.Kind() == inventory.Map {
			v = v.Get("name")
		}
		images = append(images, v)
	}
	for _, part := range p.parts() {
		named(part.Get("image"))
		for _, s := range part.Get("services").Elements() {
			named(s)
		}
	}
	return images
}

// variables returns the variables that a file sets, with their values.
func (p *pipeline) variables() []inventory.Field {
	var fields []inventory.Field
	for _, part := range p.parts() {
		for _, f := range part.Get("variables").Fields() {
			if f.Value.Kind() == inventory.Map {
				f.Value = f.Value.Get("value")
			}
			fields = append(fields, f)
		}
	}
	return fields
}

// commands returns the command lines of a file.
func (p *pipeline) commands() []inventory.Value {
	var commands []inventory.Value
	var collect func(v inventory.Value)
	collect = func(v inventory.Value) {
		if _, ok := v.Text(); ok {
			commands = append(commands, v)
		}
		if v.Kind() == inventory.List { // lists may stand in lists
			for _, e := range v.Elements() {
				collect(e)
			}
		}
	}
	for _, part := range p.parts() {
		for _, key := range []string{"before_script", "script", "after_script"} {
			collect(part.Get(key))
		}
	}
	return commands
}

// include is one entry of what a pipeline includes.
type include struct {
	at                                     inventory.Value
	local, remote, project, ref, component string
	checked                                bool // against a digest
}

// includes returns what a pipeline includes (https://docs.gitlab.com/ci/yaml/#include).
func (p *pipeline) includes() []include {
	list := p.Get("include").Elements()
	if v := p.Get("include"); v.Kind() == inventory.Map || v.Kind() == inventory.String {
		list = []inventory.Value{v}
	}
	includes := make([]include, 0, len(list))
	for _, v := range list {
		in := include{at: v}
		if written, ok := v.Text(); ok {
			if strings.Contains(written, "://") {
				in.remote = written
			} else {
				in.local = written
			}
			includes = append(includes, in)
			continue
		}
		for _, key := range []struct {
			name string
			to   *string
		}{{"local", &in.local}, {"remote", &in.remote}, {"project", &in.project}, {"component", &in.component}} {
			if written, ok := v.Get(key.name).Text(); ok {
				*key.to = written
				in.at = v.Get(key.name)
			}
		}
		in.ref, _ = v.Get("ref").Text()
		in.checked = !v.Get("integrity").IsNull()
		includes = append(includes, in)
	}
	return includes
}
