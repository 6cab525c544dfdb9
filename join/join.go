// Package join follows packages to where they run: from the lock file that lists them to the build that takes it in, to
// the name that the built image gets, to the workload that runs an image of this name. Each step is a link with its
// confidence and the places that say so.
//
// A step is taken only where one answer stands out. Two builds that could both be meant by a name are told apart by how near
// they stand; where that leaves several, there is no link, and a notice says between which.
//
// # Limitations
//
// What a registry holds is not asked: an image that is built elsewhere under the same name is taken for the one of the
// tree. Base images are not looked into.
package join

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Runner is a workload with what it runs.
type Runner struct {
	Workload inventory.ID
	Root     string
	Location inventory.Location
	Images   []Image
	// Builds are the ids of what is built for this workload alone, such as the archive of a function.
	Builds []inventory.ID
}

// Image is one image that a workload names.
type Image struct {
	Name     inventory.ID // parts that are not known are a "*"
	Location inventory.Location
}

// Declaration is a link that the configuration states: what a lock file lists runs in an image.
type Declaration struct {
	LockFile string
	Image    inventory.ID
	Source   inventory.Location
}

// Run is one thing that a workload runs.
type Run struct {
	ID         inventory.ID // an image's name, or the id of a build
	Confidence inventory.Confidence
}

// Joined is what was found.
type Joined struct {
	Links []inventory.Link
	// Runs has what each runner runs, in the order of the runners.
	Runs [][]Run
	// Files has, for each lock file or manifest, the runners that it gets into by their index, with the confidence of the
	// weakest step.
	Files   map[string]map[int]inventory.Confidence
	Notices []inventory.Notice
}

// Join follows the files that list packages to runners. Builds of one id are taken together.
func Join(files []string, builds []inventory.Build, runners []Runner, declared []Declaration) *Joined {
	j := &joiner{builds: merged(builds), out: &Joined{Runs: make([][]Run, len(runners)), Files: map[string]map[int]inventory.Confidence{}}}
	byBuild := j.files(files)
	for i, r := range runners {
		for _, id := range r.Builds {
			if at, ok := j.index[id]; ok {
				j.run(i, r, id, inventory.Declared, r.Location)
				j.reach(byBuild, at, i, inventory.Declared)
			}
		}
		for _, image := range r.Images {
			j.image(byBuild, runners, i, image, declared)
		}
	}
	j.finish()
	return j.out
}

type joiner struct {
	builds []inventory.Build
	index  map[inventory.ID]int
	names  [][]name // of each build's images
	out    *Joined

	ignores map[*inventory.BuildIgnore]*patternmatcher.PatternMatcher
}

// merged makes one build of those with one id: a Dockerfile says what it takes in, a workflow how the image is called.
func merged(builds []inventory.Build) []inventory.Build {
	at := map[inventory.ID]int{}
	var list []inventory.Build
	for _, b := range builds {
		i, ok := at[b.ID]
		if !ok {
			at[b.ID] = len(list)
			list = append(list, b)
			continue
		}
		have := &list[i]
		have.Kind = cmp.Or(have.Kind, b.Kind)
		have.Context = cmp.Or(have.Context, b.Context)
		have.Sources = append(slices.Clip(have.Sources), b.Sources...)
		have.Images = append(slices.Clip(have.Images), b.Images...)
		have.Bases = append(slices.Clip(have.Bases), b.Bases...)
	}
	return list
}

// taken is a file that a build takes in.
type taken struct {
	file       string
	confidence inventory.Confidence
}

// files finds for each file the builds that take it in: those whose instruction names it most closely.
func (j *joiner) files(files []string) map[int][]taken {
	j.index = make(map[inventory.ID]int, len(j.builds))
	j.names = make([][]name, len(j.builds))
	for i, b := range j.builds {
		j.index[b.ID] = i
		for _, image := range b.Images {
			j.names[i] = append(j.names[i], parseName(image.Name))
		}
	}
	byBuild := map[int][]taken{}
	for _, file := range files {
		best, found := -1, map[int]inventory.BuildSource{}
		for i := range j.builds {
			depth, source := j.takes(&j.builds[i], file)
			if depth < 0 || depth < best {
				continue
			}
			if depth > best {
				best = depth
				clear(found)
			}
			found[i] = source
		}
		nearest := j.nearest(slices.Sorted(maps.Keys(found)), file)
		for _, i := range nearest {
			b, source := j.builds[i], found[i]
			confidence := inventory.Resolved
			if path.Clean(source.Path) == file { // it names the file itself
				confidence = inventory.Declared
			}
			byBuild[i] = append(byBuild[i], taken{file, confidence})
			evidence := []inventory.Location{b.Recipe}
			if !source.Location.IsZero() && source.Location != b.Recipe {
				evidence = append(evidence, source.Location)
			}
			j.out.Links = append(j.out.Links, inventory.Link{From: b.ID, To: inventory.ID(file), Confidence: confidence, Evidence: evidence})
		}
	}
	return byBuild
}

// nearest keeps of several builds those whose recipe stands in the deepest folder around the file, where any does. Builds
// that stand elsewhere, such as all Dockerfiles in one folder, are told apart by the file's folder in their names.
func (j *joiner) nearest(candidates []int, file string) []int {
	best, kept := -1, []int(nil)
	for _, i := range candidates {
		depth := -1
		if dir := path.Dir(j.builds[i].Recipe.Path); within(dir, file) {
			depth = elements(dir)
		}
		switch {
		case depth > best:
			best, kept = depth, []int{i}
		case depth == best:
			kept = append(kept, i)
		}
	}
	return kept
}

// takes returns how closely a build names a file that it takes in, as the depth of the path, or -1.
func (j *joiner) takes(b *inventory.Build, file string) (depth int, source inventory.BuildSource) {
	depth = -1
	for _, s := range b.Sources {
		p := path.Clean(s.Path)
		switch {
		case p != file && (!within(p, file) || elements(p) <= depth), j.ignored(s.Ignore, file):
		case p == file:
			return elements(file) + 1, s
		default:
			depth, source = elements(p), s
		}
	}
	return depth, source
}

// ignored reports whether a file stays out of a build.
func (j *joiner) ignored(ignore *inventory.BuildIgnore, file string) bool {
	if ignore == nil || !within(ignore.Context, file) {
		return false
	}
	matcher, ok := j.ignores[ignore]
	if !ok {
		matcher, _ = patternmatcher.New(ignore.Patterns) // nil, and nothing stays out, where a pattern is broken
		if j.ignores == nil {
			j.ignores = map[*inventory.BuildIgnore]*patternmatcher.PatternMatcher{}
		}
		j.ignores[ignore] = matcher
	}
	if matcher == nil {
		return false
	}
	out, err := matcher.MatchesOrParentMatches(strings.TrimPrefix(file, strings.TrimPrefix(ignore.Context+"/", "./")))
	return out && err == nil
}

// within reports whether a file is below a folder.
func within(dir, file string) bool { return dir == "." || strings.HasPrefix(file, dir+"/") }

func elements(p string) int {
	if p == "." {
		return 0
	}
	return 1 + strings.Count(p, "/")
}

// image follows one image of a runner to the build that makes it, and to the files in it.
func (j *joiner) image(byBuild map[int][]taken, runners []Runner, i int, image Image, declared []Declaration) {
	r := runners[i]
	wanted := parseName(image.Name)
	id := image.Name
	best, confidence := []int(nil), inventory.Confidence("")
	for at := range j.builds {
		for _, n := range j.names[at] {
			c, ok := n.same(wanted)
			if !ok || confidence == inventory.Declared && c != inventory.Declared {
				continue
			}
			if c == inventory.Declared && confidence != inventory.Declared {
				best, confidence = nil, c
			}
			confidence = cmp.Or(confidence, c)
			if len(best) == 0 || best[len(best)-1] != at {
				best = append(best, at)
			}
		}
	}
	if len(best) > 1 {
		best = j.nearer(best, r.Location.Path)
	}
	switch len(best) {
	case 1:
		j.run(i, r, id, confidence, image.Location)
		j.link(id, best[0], confidence)
		j.reach(byBuild, best[0], i, confidence)
	case 0:
		j.alike(byBuild, runners, i, image, wanted)
	default:
		j.run(i, r, id, inventory.Resolved, image.Location)
		recipes := make([]string, len(best))
		for k, at := range best {
			recipes[k] = j.builds[at].Recipe.Path
		}
		location := image.Location
		j.out.Notices = append(j.out.Notices, inventory.Notice{
			Code: "image-ambiguous", Location: &location,
			Message: fmt.Sprintf("%s runs %s, which %d builds could make (%s); name the lock file under links in the configuration", r.Workload, id, len(best), strings.Join(recipes, ", ")),
		})
	}
	for _, d := range declared {
		if _, ok := parseName(d.Image).same(wanted); ok {
			j.file(d.LockFile, i, inventory.Declared)
			j.out.Links = append(j.out.Links, inventory.Link{From: id, To: inventory.ID(d.LockFile), Confidence: inventory.Declared, Evidence: []inventory.Location{d.Source}})
		}
	}
}

// nearer keeps of several builds those that share the most of their path with a file.
func (j *joiner) nearer(candidates []int, file string) []int {
	best, kept := -1, []int(nil)
	for _, i := range candidates {
		shared := sharedElements(j.builds[i].Recipe.Path, file)
		switch {
		case shared > best:
			best, kept = shared, []int{i}
		case shared == best:
			kept = append(kept, i)
		}
	}
	return kept
}

func sharedElements(a, b string) int {
	x, y := strings.Split(path.Dir(a), "/"), strings.Split(path.Dir(b), "/")
	n := 0
	for n < min(len(x), len(y)) && x[n] == y[n] {
		n++
	}
	return n
}

// alike follows an image that no build is known to make by the names that people give: the folder of a build that nothing
// names, and the image or the workload. It must be the only one.
func (j *joiner) alike(byBuild map[int][]taken, runners []Runner, i int, image Image, wanted name) {
	r := runners[i]
	j.run(i, r, image.Name, inventory.Resolved, image.Location)
	if !wanted.telling() || len(wanted.segments) == 1 && wanted.tag != "" && official[wanted.last()] {
		return
	}
	var found []int
	for at, b := range j.builds {
		if len(b.Images) == 0 && b.Kind != inventory.BuildArchive && slices.ContainsFunc(callNames(b), func(n string) bool { return calls(wanted.last(), n) }) {
			found = append(found, at)
		}
	}
	if len(found) > 1 {
		exact := slices.DeleteFunc(slices.Clone(found), func(at int) bool { return !slices.Contains(callNames(j.builds[at]), wanted.last()) })
		found = exact
	}
	if len(found) != 1 {
		return
	}
	j.link(image.Name, found[0], inventory.Inferred)
	j.reach(byBuild, found[0], i, inventory.Inferred)
}

// official are images of Docker Hub that folders are often named after.
var official = map[string]bool{
	"nginx": true, "redis": true, "postgres": true, "mysql": true, "mongo": true, "node": true, "python": true, "golang": true, "alpine": true, "ubuntu": true,
	"debian": true, "busybox": true, "httpd": true, "rabbitmq": true, "memcached": true, "mariadb": true, "elasticsearch": true, "kafka": true, "vault": true, "consul": true,
}

// vagueFolders hold a Dockerfile without naming what it makes.
var vagueFolders = map[string]bool{
	".": true, "docker": true, "build": true, "src": true, "app": true, "deploy": true, "container": true, "image": true, "images": true, "dockerfiles": true, ".docker": true,
}

// callNames are the names that a build goes by: its folder, the folder of its context, the ending of its Dockerfile.
func callNames(b inventory.Build) []string {
	var names []string
	dirs := []string{path.Dir(b.Recipe.Path), b.Context}
	for _, dir := range dirs {
		for dir != "." && dir != "" && vagueFolders[path.Base(dir)] {
			dir = path.Dir(dir)
		}
		if base := strings.ToLower(path.Base(dir)); dir != "" && !vagueFolders[base] {
			names = append(names, base)
		}
	}
	base := strings.ToLower(path.Base(b.Recipe.Path))
	if rest, ok := strings.CutPrefix(base, "dockerfile."); ok {
		names = append(names, rest)
	} else if rest, ok := strings.CutSuffix(base, ".dockerfile"); ok {
		names = append(names, rest)
	}
	return names
}

// calls reports whether an image's last segment is called after a folder: the same, or with the project in front, as
// retail-store-sample-cart is after cart.
func calls(image, folder string) bool {
	return image == folder || len(folder) > 2 && (strings.HasSuffix(image, "-"+folder) || strings.HasSuffix(image, "_"+folder))
}

// run notes what a runner runs.
func (j *joiner) run(i int, r Runner, id inventory.ID, c inventory.Confidence, at inventory.Location) {
	for k := range j.out.Runs[i] {
		if j.out.Runs[i][k].ID == id {
			return
		}
	}
	j.out.Runs[i] = append(j.out.Runs[i], Run{id, c})
	j.out.Links = append(j.out.Links, inventory.Link{From: r.Workload, To: id, Confidence: inventory.Declared, Evidence: []inventory.Location{at}})
}

// link notes that an image is what a build makes.
func (j *joiner) link(image inventory.ID, at int, c inventory.Confidence) {
	b := j.builds[at]
	evidence := []inventory.Location{}
	wanted := parseName(image)
	for k, n := range j.names[at] {
		if _, ok := n.same(wanted); ok {
			evidence = append(evidence, b.Images[k].Location)
		}
	}
	if len(evidence) == 0 {
		evidence = append(evidence, b.Recipe)
	}
	j.out.Links = append(j.out.Links, inventory.Link{From: image, To: b.ID, Confidence: c, Evidence: evidence})
}

// reach notes that the files of a build get into a runner.
func (j *joiner) reach(byBuild map[int][]taken, at, i int, c inventory.Confidence) {
	for _, t := range byBuild[at] {
		j.file(t.file, i, weaker(c, t.confidence))
	}
}

func (j *joiner) file(file string, i int, c inventory.Confidence) {
	if j.out.Files[file] == nil {
		j.out.Files[file] = map[int]inventory.Confidence{}
	}
	if have, ok := j.out.Files[file][i]; ok {
		c = stronger(have, c)
	}
	j.out.Files[file][i] = c
}

var confidences = []inventory.Confidence{inventory.Declared, inventory.Resolved, inventory.Inferred}

func weaker(a, b inventory.Confidence) inventory.Confidence {
	return confidences[max(slices.Index(confidences, a), slices.Index(confidences, b))]
}

func stronger(a, b inventory.Confidence) inventory.Confidence {
	return confidences[min(slices.Index(confidences, a), slices.Index(confidences, b))]
}

// finish sorts the links; of several between the same two the surest stays, with the evidence of all.
func (j *joiner) finish() {
	slices.SortStableFunc(j.out.Links, func(a, b inventory.Link) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)),
			cmp.Compare(slices.Index(confidences, a.Confidence), slices.Index(confidences, b.Confidence)))
	})
	var links []inventory.Link
	for _, l := range j.out.Links {
		if last := len(links) - 1; last >= 0 && links[last].From == l.From && links[last].To == l.To {
			for _, e := range l.Evidence {
				if !slices.Contains(links[last].Evidence, e) {
					links[last].Evidence = append(slices.Clip(links[last].Evidence), e)
				}
			}
			continue
		}
		links = append(links, l)
	}
	j.out.Links = links
	inventory.SortNotices(j.out.Notices)
}
