package fix

import (
	"context"
	"fmt"
	"strings"
)

// Runner runs the program of a package manager in a copy of some files of a workspace.
type Runner interface {
	// Run copies the command's files from the workspace into an empty folder, runs the program there, and writes what it
	// made of the command's outputs back into the workspace. Nothing is written back when it fails; the error is a
	// *ToolError then. It returns what the program wrote to standard output.
	Run(ctx context.Context, ws *Workspace, cmd Command) ([]byte, error)
}

// Command is one run of a program. The program sees the files that are named here and no others of the repository, an
// empty home with the files of Home, and an environment of Env beside what every program needs (a path, certificates, a
// proxy): no variable that could hold a token.
type Command struct {
	// Program is the name of the program: npm, go, uv, cargo, poetry, python3. It is looked up in the operator's path, never
	// below the repository.
	Program string
	// Package is a program in the registry of npm that Program, which is node then, runs; nil for none. The arguments are
	// those of the package.
	Package *NodePackage `json:",omitempty"`
	Args    []string
	// Beside are further programs that it starts by name. It finds no others.
	Beside []string
	// Reads are folders of the system that the program has parts in, where they are not beside it: the installation of an
	// interpreter, say. Nothing that belongs to the operator is among them.
	Reads []string
	// Dir is the folder in the copy that the program starts in, as a path of the tree; empty is the root.
	Dir string
	// Files are copied; those that the workspace lacks are left out. Configuration of the program is never among them.
	Files []string
	// Outputs are the paths that may come back, changed or new; nil stands for Files.
	Outputs []string
	// Home are files of ours in the home of the program, by their paths relative to it.
	Home map[string]string
	// Extra are files of ours in the copy, by path of the tree; they never come back. A stub of a source file belongs here.
	Extra map[string]string
	// Env are further variables, NAME=VALUE. {home} in a value stands for the home, {copy} for the root of the copy and
	// {cache} for a folder that outlives the run and holds nothing but downloads that the program itself verifies.
	Env []string
	// Network says that the program may open sockets.
	Network bool
}

// NodePackage is one release of a program that is written in JavaScript. It is fetched from the registry, and is run only
// if it is the archive that we know, so that neither the repository nor the registry chooses what runs.
type NodePackage struct {
	Name, Version string
	// Called is what people call the program.
	Called string `json:"-"`
	// SHA512 is the digest of the archive in hexadecimal.
	SHA512 string
	// Main is the script in the archive that is run.
	Main string
	// Address is where the archive is.
	Address string
}

// ToolError says that a program could not do its part.
type ToolError struct {
	Program string
	Missing bool   // it is not installed
	Output  string // the end of what it said on standard error; names of the copy are taken out
	Err     error
}

func (e *ToolError) Error() string {
	switch {
	case e.Missing:
		return fmt.Sprintf("%s is not installed here, and the lock file can't be changed without it", e.Program)
	case e.Output != "":
		return fmt.Sprintf("%s: %s", e.Program, strings.TrimPrefix(e.Output, e.Program+": "))
	}
	return fmt.Sprintf("%s: %v", e.Program, e.Err)
}

func (e *ToolError) Unwrap() error { return e.Err }
