package ecosystem

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// GitHubActions are the actions and reusable workflows that workflows take from other repositories.
var GitHubActions = &Ecosystem{
	Name: "GitHub Actions",
	Formats: []Format{
		{Name: "workflow", Match: isWorkflow, LockFile: true, Read: readWorkflow},
		{Name: "action.yml", Match: base("action.yml", "action.yaml"), LockFile: true, Read: readWorkflow},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		repository, inner := splitAction(name)
		owner, name := splitLast(repository, "/")
		return packageurl.PackageURL{Type: packageurl.TypeGithub, Namespace: owner, Name: name, Version: version, Subpath: inner}
	},
	// OSV lists repositories, not the actions inside.
	Key: func(name string) string {
		repository, _ := splitAction(name)
		return repository
	},
	// By custom the tags v4 and v4.1 move to each new release of theirs, so that one is affected only if all are.
	Newest: func(version string) string {
		if !actionMoving.MatchString(version) {
			return version
		}
		return version + strings.Repeat(".999999", 2-strings.Count(version, "."))
	},
}

var actionMoving = regexp.MustCompile(`^v?\d+(?:\.\d+)?$`)

func isWorkflow(p string) bool {
	dir, name := path.Split(p)
	return (path.Ext(name) == ".yml" || path.Ext(name) == ".yaml") && (dir == ".github/workflows/" || strings.HasSuffix(dir, "/.github/workflows/"))
}

// splitAction splits "owner/repository/path/of/action".
func splitAction(name string) (repository, inner string) {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 {
		return name, ""
	}
	return parts[0] + "/" + parts[1], parts[2]
}

// readWorkflow reads the `uses:` of a workflow or a composite action
// (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses). Actions of
// the repository itself and container images are left out: the first are read where they stand, the second are images.
func readWorkflow(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := parseSmallYAML(name, data)
	root := f.root()
	doc := &Document{Root: path.Base(name)}
	if doc.Root == "action.yml" || doc.Root == "action.yaml" {
		doc.Root = projectName(yamlTextAt(root, "name"), name)
	}
	steps := func(list *yaml.Node) {
		for _, step := range yamlItems(list) {
			doc.uses(f, yamlAt(step, "uses"))
		}
	}
	steps(yamlAt(root, "runs", "steps"))
	for _, job := range yamlMembers(yamlAt(root, "jobs")) {
		doc.uses(f, yamlAt(job, "uses"))
		steps(yamlAt(job, "steps"))
	}
	doc.Resolve()
	return doc, err
}

var (
	actionVersion = regexp.MustCompile(`\bv?\d+(?:\.\d+)+[0-9A-Za-z.+-]*|\bv\d+\b`)
	actionTag     = regexp.MustCompile(`^v?\d+(?:\.\d+)*(?:[-+][0-9A-Za-z.+-]*)?$`)
	actionName    = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:/[^@\s]*)?$`)
)

// uses adds what a `uses:` asks for. A commit is a version that no one can order; by custom the tag that it had stands
// in a comment behind it: `uses: actions/checkout@<commit> # v4.2.2`. Tags of releases are GitHub's registry, so to
// speak; all else is a place in a repository.
func (d *Document) uses(f *yamlFile, n *yaml.Node) {
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	action, ref, ok := strings.Cut(strings.TrimSpace(n.Value), "@")
	if !ok || strings.HasPrefix(action, ".") || strings.Contains(action, "://") || !actionName.MatchString(action) {
		return
	}
	e := Entry{
		Name: strings.TrimSuffix(action, "/"), Version: ref, Location: f.scalar(n), Scope: inventory.ScopeDevelopment, Origin: inventory.OriginGit,
	}
	e.Manifest = e.Location
	if isHex(ref, 40) {
		e.Commit = ref
		if tag := actionVersion.FindString(n.LineComment); tag != "" {
			e.Version = tag
		}
	}
	if actionTag.MatchString(e.Version) && !isHex(e.Version, 40) {
		e.Origin = inventory.OriginRegistry
	}
	if d.full(e.Location) != nil {
		return
	}
	d.Declared++
	d.Roots = append(d.Roots, len(d.Entries))
	d.Entries = append(d.Entries, e)
}
