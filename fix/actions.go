package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Actions writes the `uses:` of workflows and of composite actions
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses): the tag, or
// the commit with the tag in the comment behind it. Which commit a tag is, is known to the code host alone.
var Actions = &Manager{
	Name: "GitHub Actions", Ecosystem: "GitHub Actions",
	Claims: func(_ *Workspace, name string) bool {
		dir, base := path.Split(name)
		if base == "action.yml" || base == "action.yaml" {
			return true
		}
		return (path.Ext(base) == ".yml" || path.Ext(base) == ".yaml") && (dir == ".github/workflows/" || strings.HasSuffix(dir, "/.github/workflows/"))
	},
	Open:       openActions,
	Registry:   newActionTags,
	Admits:     func(constraint, version string) (bool, error) { return constraint == version, nil },
	Raise:      raiseAction,
	Prerelease: func(version string) bool { return strings.Contains(version, "-") },
	Write:      writeActions,
}

// actionTags are the tags of actions as releases.
type actionTags struct {
	tags Tags

	mu    sync.Mutex
	known map[string][]Tag
}

func newActionTags(_ context.Context, env *Env) (Registry, error) {
	if env.Tags == nil {
		return nil, nil
	}
	return &actionTags{tags: env.Tags, known: map[string][]Tag{}}, nil
}

func (a *actionTags) of(ctx context.Context, name string) ([]Tag, error) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return nil, fmt.Errorf("%q is no action of a repository: %w", name, ErrNoPackage)
	}
	repository := parts[0] + "/" + parts[1]
	a.mu.Lock()
	defer a.mu.Unlock()
	if tags, ok := a.known[repository]; ok {
		return tags, nil
	}
	tags, err := a.tags.Tags(ctx, repository)
	if err != nil {
		return nil, fmt.Errorf("ask for the tags of %s: %w", repository, err)
	}
	a.known[repository] = tags
	return tags, nil
}

var (
	actionRelease = regexp.MustCompile(`^v?\d+\.\d+\.\d+$`)
	actionTag     = regexp.MustCompile(`\bv?\d+(?:\.\d+)*[0-9A-Za-z.+-]*`)
	actionUse     = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:/[^@\s]*)?@[A-Za-z0-9_./+-]+$`)
	commitHash    = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// Releases returns the tags that are whole versions: v4 and v4.1 move, and are no release.
func (a *actionTags) Releases(ctx context.Context, name string) ([]Release, error) {
	tags, err := a.of(ctx, name)
	if err != nil {
		return nil, err
	}
	releases := []Release{}
	for _, t := range tags {
		if actionRelease.MatchString(t.Name) {
			releases = append(releases, Release{Version: t.Name})
		}
	}
	return releases, nil
}

// Describe says that there is such a tag.
func (a *actionTags) Describe(ctx context.Context, name, version string) (Release, error) {
	if _, err := a.tag(ctx, name, version); err != nil {
		return Release{}, err
	}
	return Release{Version: version}, nil
}

// tag finds a version among the tags, whether they begin with a v or not.
func (a *actionTags) tag(ctx context.Context, name, version string) (Tag, error) {
	tags, err := a.of(ctx, name)
	if err != nil {
		return Tag{}, err
	}
	for _, t := range tags {
		if strings.TrimPrefix(t.Name, "v") == strings.TrimPrefix(version, "v") {
			return t, nil
		}
	}
	return Tag{}, fmt.Errorf("%s %s: %w", name, version, ErrNoPackage)
}

// raiseAction writes a version as the reference before it was written: with its v, and with as many numbers, as v4 moves
// along with the releases of its series by custom.
func raiseAction(constraint, version string) (string, error) {
	numbers := strings.TrimPrefix(version, "v")
	n := strings.Count(strings.TrimPrefix(constraint, "v"), ".") + 1
	if n < 3 {
		numbers = firstNumbers(numbers, n)
	}
	if strings.HasPrefix(constraint, "v") {
		return "v" + numbers, nil
	}
	return numbers, nil
}

// actionUseAt is one `uses:` with its places in the file.
type actionUseAt struct {
	name, ref  string
	tag        string // what the comment says, where the reference is a commit
	line       int
	place      inventory.Location
	start, end int // of the reference
	tagStart   int
	tagEnd     int
}

const maxWorkflow = 1 << 20

// readActions finds the `uses:` of jobs and steps. What only looks like one, inside a script, is none.
func readActions(ws *Workspace, name string) ([]actionUseAt, error) {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(data) > maxWorkflow {
		return nil, fmt.Errorf("%s is too large for a workflow", name)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s is no YAML that can be read: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	var nodes []*yaml.Node
	steps := func(list *yaml.Node) {
		if list == nil || list.Kind != yaml.SequenceNode {
			return
		}
		for _, step := range list.Content {
			nodes = append(nodes, yamlValue(step, "uses"))
		}
	}
	steps(yamlValue(yamlValue(root, "runs"), "steps"))
	if jobs := yamlValue(root, "jobs"); jobs != nil && jobs.Kind == yaml.MappingNode {
		for i := 1; i < len(jobs.Content); i += 2 {
			nodes = append(nodes, yamlValue(jobs.Content[i], "uses"))
			steps(yamlValue(jobs.Content[i], "steps"))
		}
	}
	lines := inventory.NewLines(data)
	var uses []actionUseAt
	for _, n := range nodes {
		if n == nil || n.Kind != yaml.ScalarNode || !actionUse.MatchString(n.Value) {
			continue
		}
		if u, ok := locateUse(data, lines, name, n); ok {
			uses = append(uses, u)
		}
	}
	return uses, nil
}

// yamlValue returns what a mapping has under a key, or nil.
func yamlValue(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// locateUse finds the reference and the tag of its comment in the line of a node.
func locateUse(data []byte, lines *inventory.Lines, name string, n *yaml.Node) (actionUseAt, bool) {
	start := 0
	for range n.Line - 1 {
		i := bytes.IndexByte(data[start:], '\n')
		if i < 0 {
			return actionUseAt{}, false
		}
		start += i + 1
	}
	end := endOfLine(data, start)
	at := strings.Index(string(data[start:end]), n.Value)
	if at < 0 {
		return actionUseAt{}, false
	}
	at += start
	action, ref, _ := strings.Cut(n.Value, "@")
	u := actionUseAt{
		name: strings.TrimSuffix(action, "/"), ref: ref, line: n.Line, start: at + len(action) + 1, end: at + len(n.Value),
		place: lines.Location(name, at, at+len(n.Value)),
	}
	if !commitHash.MatchString(ref) {
		return u, true
	}
	if i := bytes.IndexByte(data[u.end:end], '#'); i >= 0 {
		if m := actionTag.FindIndex(data[u.end+i : end]); m != nil {
			u.tagStart, u.tagEnd = u.end+i+m[0], u.end+i+m[1]
			u.tag = string(data[u.tagStart:u.tagEnd])
		}
	}
	return u, true
}

func openActions(_ context.Context, ws *Workspace, name string) (*Project, error) {
	uses, err := readActions(ws, name)
	if err != nil {
		return nil, err
	}
	project := &Project{Path: name, Dir: path.Dir(name), Files: []string{name}}
	for _, u := range uses {
		version := u.ref
		if u.tag != "" {
			version = u.tag
		}
		project.Packages = append(project.Packages, Locked{Name: u.name, Version: version, Location: u.place, Direct: true, Origin: inventory.OriginRegistry})
		project.Requirements = append(project.Requirements, Requirement{Package: u.name, Constraint: version, Location: u.place, List: "uses"})
	}
	return project, nil
}

func writeActions(ctx context.Context, job *Job) error {
	uses, err := readActions(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	var edits []textEdit
	for _, t := range job.Targets {
		for _, u := range uses {
			to := ""
			for _, line := range t.Lines {
				if line.Location.Line == u.line && u.name == line.Package {
					to = line.To
				}
			}
			if to == "" || !slices.Contains([]string{u.ref, u.tag}, t.From) {
				continue
			}
			ref := to
			if u.tag != "" {
				tag, err := commitOf(ctx, job, u.name, t.To)
				if err != nil {
					return err
				}
				ref = tag.Commit
				edits = append(edits, textEdit{job.Project.Path, u.tagStart, u.tagEnd, to})
			}
			edits = append(edits, textEdit{job.Project.Path, u.start, u.end, ref})
		}
	}
	if len(edits) == 0 {
		return errors.New("no step uses it in this version any more")
	}
	return applyEdits(job.Workspace, edits)
}

// commitOf asks the code host which commit a version is.
func commitOf(ctx context.Context, job *Job, name, version string) (Tag, error) {
	tags, _ := job.Registry.(*actionTags)
	if tags == nil {
		return Tag{}, fmt.Errorf("the commit of %s %s is known to the code host alone, which was not asked", name, version)
	}
	tag, err := tags.tag(ctx, name, version)
	if err != nil {
		return Tag{}, err
	}
	if !commitHash.MatchString(tag.Commit) {
		return Tag{}, fmt.Errorf("the code host names no commit for %s %s", name, version)
	}
	return tag, nil
}
