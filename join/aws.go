package join

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// AWSRunners returns what runs images or code on AWS, and the builds that functions are made of. resources are those that
// the model was built from.
func AWSRunners(m *aws.Model, resources []*inventory.Resource) ([]Runner, []inventory.Build) {
	a := awsReader{model: m, archives: archives(resources)}
	for _, s := range m.Services {
		for _, task := range s.TaskDefinition.Targets() {
			r := newRunner(&s.Object)
			for i := range task.Containers {
				r.Images = append(r.Images, a.images(task.Containers[i].ImageValue, task.Unit)...)
			}
			a.runners = append(a.runners, r)
		}
	}
	for _, f := range m.Functions {
		r := newRunner(&f.Object)
		r.Images = a.images(f.ImageValue, f.Unit)
		if dir, at := a.code(f); dir != "" {
			id := inventory.ID("build:" + string(f.Address()))
			a.builds = append(a.builds, inventory.Build{
				ID: id, Kind: inventory.BuildArchive, Recipe: f.Location(), Context: dir, Sources: []inventory.BuildSource{{Path: dir, Location: at}},
			})
			r.Builds = append(r.Builds, id)
		}
		a.runners = append(a.runners, r)
	}
	for _, f := range m.ManagedFronts {
		if f.Kind == "apprunner" {
			r := newRunner(&f.Object)
			r.Images = a.images(f.ImageValue, f.Unit)
			a.runners = append(a.runners, r)
		}
	}
	for _, i := range m.Instances {
		a.runners = append(a.runners, a.machine(&i.Object, i.UserData))
	}
	for _, g := range m.AutoScalingGroups {
		r := newRunner(&g.Object)
		for _, ref := range g.Templates {
			for _, t := range ref.Targets() {
				r.Images = append(r.Images, a.machine(&g.Object, t.UserData).Images...)
			}
		}
		a.runners = append(a.runners, r)
	}
	return a.runners, a.builds
}

type awsReader struct {
	model    *aws.Model
	archives map[archiveKey]*inventory.Resource
	runners  []Runner
	builds   []inventory.Build
}

func newRunner(o *aws.Object) Runner {
	return Runner{Workload: o.Address(), Root: o.Unit.Root, Location: o.Location()}
}

// images returns the names that an evaluated value may be.
func (a *awsReader) images(v inventory.Value, u aws.Unit) []Image {
	if v.IsNull() {
		return nil
	}
	if candidates := v.Candidates(); len(candidates) > 0 {
		var all []Image
		for _, c := range candidates {
			all = append(all, a.images(c, u)...)
		}
		return all
	}
	pattern := Pattern(v, func(ref inventory.Ref) (string, bool) { return a.repository(ref, u) })
	if strings.Trim(pattern, "*:/@.") == "" {
		return nil
	}
	return []Image{{inventory.ID(pattern), v.Location()}}
}

// repository returns the name of the image repository that an attribute of another resource leads to. Its host is that of
// an account and a region.
func (a *awsReader) repository(ref inventory.Ref, u aws.Unit) (string, bool) {
	r, ok := a.model.Object(u, ref.Resource).(*aws.Repository)
	if !ok {
		return "", false
	}
	name, known := r.Name.Known()
	if !known {
		return "", false
	}
	switch ref.Attribute {
	case "repository_url", "RepositoryUri":
		return "*/" + name, true
	case "name", "":
		return name, true
	}
	return "", false
}

// Pattern returns an evaluated text with a "*" for each part that is not known. known may say what an attribute of another
// resource is; nil says nothing.
func Pattern(v inventory.Value, known func(inventory.Ref) (string, bool)) string {
	if text, ok := v.Text(); ok && !v.IsSensitive() {
		return text
	}
	if ref, ok := v.Ref(); ok && known != nil {
		if text, ok := known(ref); ok {
			return text
		}
	}
	var b strings.Builder
	for _, part := range v.Parts() {
		text := Pattern(part, known)
		if text == "*" && strings.HasSuffix(b.String(), "*") {
			continue
		}
		b.WriteString(text)
	}
	if b.Len() == 0 {
		return "*"
	}
	return b.String()
}

// code returns the folder of the tree that a function's code is packed from.
func (a *awsReader) code(f *aws.Function) (dir string, at inventory.Location) {
	v := f.CodeValue
	if !v.Get("S3Bucket").IsNull() || !v.Get("ImageUri").IsNull() {
		return "", at
	}
	base := path.Dir(f.Location().Path)
	if ref, ok := v.Ref(); ok {
		archive := a.archives[archiveKey{f.Unit.Root, f.Unit.Environment, ref.Resource}]
		if archive == nil {
			return "", at
		}
		for _, attribute := range []string{"source_dir", "source_file"} {
			if text, ok := archive.Get(attribute).Text(); ok {
				return a.folder(text, f.Unit.Root, path.Dir(archive.Location.Path)), archive.Get(attribute).Location()
			}
		}
		return "", at
	}
	if text, ok := v.Text(); ok {
		for _, archive := range a.archives { // the archive by its path, which the code writes twice
			if out, ok := archive.Get("output_path").Text(); ok && archive.Root == f.Unit.Root && path.Clean(out) == path.Clean(text) {
				if source, ok := archive.Get("source_dir").Text(); ok {
					return a.folder(source, f.Unit.Root, path.Dir(archive.Location.Path)), archive.Get("source_dir").Location()
				}
			}
		}
		if strings.HasSuffix(text, ".zip") || strings.HasSuffix(text, ".jar") {
			return "", at
		}
		if !strings.Contains(text, "://") {
			return a.folder(text, base, base), v.Location() // SAM's CodeUri
		}
	}
	return "", at
}

// folder returns a path of the code as one of the tree: relative to the root module unless it leads out of the tree.
func (a *awsReader) folder(text, root, near string) string {
	dir := path.Join(root, text)
	if strings.HasPrefix(dir, "../") || dir == ".." || path.IsAbs(text) {
		dir = path.Join(near, path.Base(text))
	}
	return dir
}

type archiveKey struct {
	root, environment string
	id                inventory.ID
}

// archives are the resources that pack a folder (https://registry.terraform.io/providers/hashicorp/archive).
func archives(resources []*inventory.Resource) map[archiveKey]*inventory.Resource {
	found := map[archiveKey]*inventory.Resource{}
	for _, r := range resources {
		if r.Type == "archive_file" || strings.HasSuffix(r.Type, ".archive_file") {
			found[archiveKey{r.Root, r.Environment, r.ID}] = r
		}
	}
	return found
}

// machine returns a machine with the images that its start script runs.
func (a *awsReader) machine(o *aws.Object, script aws.Text) Runner {
	r := newRunner(o)
	text, _ := script.Known()
	if script.Sensitive() {
		return r
	}
	for line := range strings.Lines(text) {
		if image := dockerRun(line); image != "" {
			r.Images = append(r.Images, Image{inventory.ID(image), script.Location()})
		}
	}
	return r
}

// valueFlags are the flags of docker run that take a value as a word of its own, as far as they are common
// (https://docs.docker.com/reference/cli/docker/container/run/).
var valueFlags = map[string]bool{
	"-p": true, "--publish": true, "-v": true, "--volume": true, "-e": true, "--env": true, "--env-file": true, "--name": true, "--restart": true,
	"--network": true, "--net": true, "-w": true, "--workdir": true, "-u": true, "--user": true, "-m": true, "--memory": true, "--cpus": true,
	"--mount": true, "--log-driver": true, "--log-opt": true, "--entrypoint": true, "-l": true, "--label": true, "-h": true, "--hostname": true,
	"--add-host": true, "--cap-add": true, "--cap-drop": true, "--device": true, "--gpus": true, "--platform": true, "--ulimit": true, "--link": true,
}

// dockerRun returns the image of a "docker run" command, if the line is one.
func dockerRun(line string) string {
	words := strings.Fields(line)
	for i := 0; i+1 < len(words); i++ {
		if (words[i] != "docker" && words[i] != "podman") || words[i+1] != "run" {
			continue
		}
		for k := i + 2; k < len(words); k++ {
			w := words[k]
			switch {
			case w == `\`:
			case valueFlags[w]:
				k++
			case strings.HasPrefix(w, "-"):
			case strings.ContainsAny(w, `"'$(){}`+"`"):
				return ""
			default:
				return w
			}
		}
	}
	return ""
}
