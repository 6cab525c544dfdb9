package inventory

import (
	"cmp"
	"strings"
)

// Build is a recipe that makes an image or an archive of a folder: a Dockerfile, the code of a function. Package join
// follows it from lock files to what runs.
type Build struct {
	// ID is "build:" and the path of the recipe, with "#target" where the build stops at a stage; for the archive of a
	// function it is "build:" and the address of the resource.
	ID     ID
	Kind   BuildKind
	Recipe Location // the Dockerfile, or the line that asks for the build where there is none
	// Context is the folder that the recipe's paths are relative to, in the tree; "." is its root.
	Context string
	// Sources are the files and folders of the tree that get into what is made, through all stages it copies from; the
	// folder of the context with all below it where the recipe does not say.
	Sources []BuildSource
	// Images are the names that what is made gets, wherever something says so. A part that is not known is a "*".
	Images []BuiltImage
	// Bases are the images that it starts from, the final stage's first.
	Bases []ID
}

// BuildKind is how something is built.
type BuildKind string

// The kinds of builds.
const (
	BuildDockerfile BuildKind = "dockerfile"
	BuildBuildpack  BuildKind = "buildpack" // Cloud Native Buildpacks, Spring Boot's build-image
	BuildJib        BuildKind = "jib"
	BuildKo         BuildKind = "ko"
	BuildArchive    BuildKind = "archive"   // a zip of a function
	BuildUserData   BuildKind = "user-data" // a machine's start script, or a CodeDeploy appspec
)

// BuildSource is one path that a build takes in, and the instruction that says so.
type BuildSource struct {
	Path     string
	Location Location
	Ignore   *BuildIgnore `json:",omitempty"` // what of it stays out; nil for nothing
}

// BuildIgnore is what a .dockerignore file keeps out of a build (https://docs.docker.com/build/concepts/context/#dockerignore-files).
type BuildIgnore struct {
	Context  string   // the folder in the tree that the patterns are relative to
	Patterns []string // in the order of the file
}

// BuiltImage is one name of a built image, and the place that gives it: a Compose file, a workflow, a bake file.
type BuiltImage struct {
	Name     ID
	Location Location
}

// Compare orders builds by their ids.
func (b Build) Compare(c Build) int {
	return cmp.Or(strings.Compare(string(b.ID), string(c.ID)), b.Recipe.Compare(c.Recipe))
}
