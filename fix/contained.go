package fix

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/internal/confine"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Contained is the Runner that runs real programs. Beside what Command promises, the program finds no other program by
// its name than those the command lists, so that it can start no git, and where the kernel has Landlock it can read,
// write and start only the system's own folders, the copy and its home.
type Contained struct {
	// Getenv reads the operator's environment: the path, certificates and proxies, and nothing else of it is handed on.
	Getenv func(string) string
	// Cache is a folder for downloads that outlive a run; empty stands for one that does not.
	Cache string
	// Temp is where copies are made; empty is the system's folder.
	Temp string
	// Outside is the repository: a program that is found in it is not run.
	Outside string
	// Timeout bounds one run; 0 is five minutes.
	Timeout time.Duration
	// Client fetches programs that are packages of a registry; nil fetches none.
	Client *web.Client
}

const (
	maxToolOutput = 16 << 20 // bytes of standard output
	maxToolError  = 64 << 10 // bytes of standard error, of which the end is shown
	maxToolFile   = 64 << 20 // bytes of one file that comes back
)

// Run runs the command as Runner says.
func (c *Contained) Run(ctx context.Context, ws *Workspace, cmd Command) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, 5*time.Minute))
	defer cancel()
	dir, err := os.MkdirTemp(c.Temp, "trifecta-fix-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", cmd.Program, err)
	}
	// Links are resolved, because Landlock and some programs compare real names.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	defer func() { _ = removeAll(dir) }() // a folder in the system's own for such
	box := box{dir: dir, copy: filepath.Join(dir, "copy"), home: filepath.Join(dir, "home"), bin: filepath.Join(dir, "bin"), temp: filepath.Join(dir, "temp"), tool: filepath.Join(dir, "tool")}
	box.cache = c.Cache
	if box.cache == "" {
		box.cache = filepath.Join(dir, "cache")
	}
	for _, folder := range []string{box.copy, box.home, box.bin, box.temp, box.cache} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	programs, err := c.link(box.bin, append([]string{cmd.Program}, cmd.Beside...))
	if err != nil {
		return nil, err
	}
	if cmd.Package != nil {
		if err := c.unpack(ctx, box, cmd.Package); err != nil {
			return nil, err
		}
		cmd.Args = append([]string{filepath.Join(box.tool, filepath.FromSlash(cmd.Package.Main))}, cmd.Args...)
		cmd.Reads = append(slices.Clip(cmd.Reads), box.tool)
	}
	if err := box.fill(ws, cmd); err != nil {
		return nil, err
	}
	slog.DebugContext(ctx, "starts a program", "program", cmd.Program, "args", cmd.Args, "dir", cmd.Dir)
	out, err := c.start(ctx, box, programs, cmd)
	slog.DebugContext(ctx, "the program ended", "program", cmd.Program, "error", err)
	if err != nil {
		return nil, err
	}
	return out, box.collect(ws, cmd)
}

// link makes links to programs under their names in a folder, which becomes the whole path of the program. It returns
// where the programs really are.
func (c *Contained) link(bin string, names []string) ([]string, error) {
	var real []string
	for _, name := range names {
		found, err := c.lookPath(name)
		if err != nil {
			return nil, &ToolError{Program: name, Missing: true, Err: err}
		}
		if err := os.Symlink(found, filepath.Join(bin, name)); err != nil {
			return nil, err
		}
		target, err := filepath.EvalSymlinks(found)
		if err != nil {
			return nil, err
		}
		real = append(real, found, target)
	}
	return real, nil
}

// lookPath finds a program in the operator's path, leaving out folders that are relative or in the repository.
func (c *Contained) lookPath(name string) (string, error) {
	if name == "" || strings.ContainsAny(name, `/\`) {
		return "", fmt.Errorf("%q is no name of a program", name)
	}
	outside := ""
	if c.Outside != "" {
		if abs, err := filepath.Abs(c.Outside); err == nil {
			outside = abs
		}
	}
	for _, folder := range filepath.SplitList(c.Getenv("PATH")) {
		if !filepath.IsAbs(folder) || outside != "" && inside(outside, folder) {
			continue
		}
		found, err := exec.LookPath(filepath.Join(folder, name))
		if err == nil {
			return c.behindRustup(found), nil
		}
	}
	return "", exec.ErrNotFound
}

func inside(folder, name string) bool {
	rel, err := filepath.Rel(folder, name)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// box is the folders that one run may use.
type box struct{ dir, copy, home, bin, temp, cache, tool string }

// fill copies the command's files and writes ours.
func (b box) fill(ws *Workspace, cmd Command) error {
	root, err := os.OpenRoot(b.copy)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, name := range cmd.Files {
		data, err := ws.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := put(root, name, data); err != nil {
			return err
		}
	}
	for name, text := range cmd.Extra {
		if err := put(root, name, []byte(text)); err != nil {
			return err
		}
	}
	if cmd.Dir != "" {
		if err := root.MkdirAll(path.Clean(cmd.Dir), 0o700); err != nil {
			return err
		}
	}
	home, err := os.OpenRoot(b.home)
	if err != nil {
		return err
	}
	defer func() { _ = home.Close() }()
	for name, text := range cmd.Home {
		if err := put(home, name, []byte(b.expand(text))); err != nil {
			return err
		}
	}
	return nil
}

func put(root *os.Root, name string, data []byte) error {
	name = path.Clean(name)
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	return root.WriteFile(name, data, 0o600)
}

// expand writes the folders for their placeholders.
func (b box) expand(text string) string {
	return strings.NewReplacer("{home}", b.home, "{copy}", b.copy, "{cache}", b.cache).Replace(text)
}

// collect takes the outputs back into the workspace. Links and other things that are no regular files are left.
func (b box) collect(ws *Workspace, cmd Command) error {
	outputs := cmd.Outputs
	if outputs == nil {
		outputs = cmd.Files
	}
	root, err := os.OpenRoot(b.copy)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	made := map[string][]byte{}
	for _, name := range outputs {
		name = path.Clean(name)
		info, err := root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > maxToolFile {
			return &ToolError{Program: cmd.Program, Err: fmt.Errorf("it made something of %s that is no lock file", name)}
		}
		data, err := root.ReadFile(name)
		if err != nil {
			return err
		}
		made[name] = data
	}
	for name, data := range made {
		if err := ws.WriteFile(name, data); err != nil {
			return err
		}
	}
	return nil
}

// handedOn are the variables of the operator's environment that programs get: none of them holds a token.
var handedOn = []string{
	"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO",
	"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SystemRoot",
}

func (c *Contained) start(ctx context.Context, b box, programs []string, cmd Command) ([]byte, error) {
	args := make([]string, len(cmd.Args))
	for i, arg := range cmd.Args {
		args[i] = b.expand(arg)
	}
	run := exec.CommandContext(ctx, filepath.Join(b.bin, cmd.Program), args...)
	run.Dir = filepath.Join(b.copy, filepath.FromSlash(path.Clean(cmd.Dir)))
	run.Env = []string{"HOME=" + b.home, "USERPROFILE=" + b.home, "XDG_CONFIG_HOME=" + b.home, "PATH=" + b.bin, "TMPDIR=" + b.temp, "TMP=" + b.temp, "TEMP=" + b.temp, "LANG=C.UTF-8", "CI=1", "NO_COLOR=1"}
	for _, name := range handedOn {
		if value := c.Getenv(name); value != "" {
			run.Env = append(run.Env, name+"="+value)
		}
	}
	for _, pair := range cmd.Env {
		run.Env = append(run.Env, b.expand(pair))
	}
	var out, trouble tail
	out.most, trouble.most = maxToolOutput, maxToolError
	run.Stdout, run.Stderr = &out, &trouble
	run.WaitDelay = 5 * time.Second
	ownGroup(run)

	policy := confine.Policy{
		Read:    slices.Concat(systemFolders, cmd.Reads, programs),
		Write:   []string{b.copy, b.home, b.temp, b.cache},
		Execute: slices.Concat(systemPrograms, programs, cmd.Reads, []string{b.bin}),
		Network: cmd.Network,
		Links:   true,
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO"} {
		if value := c.Getenv(name); filepath.IsAbs(value) {
			policy.Read = append(policy.Read, value)
		}
	}
	for _, program := range programs {
		// What is installed as PREFIX/bin/NAME has its parts elsewhere below PREFIX.
		if folder := filepath.Dir(program); filepath.Base(folder) == "bin" && len(folder) > len("/usr/bin") {
			prefix := filepath.Dir(folder)
			policy.Read = append(policy.Read, prefix)
			policy.Execute = append(policy.Execute, prefix)
		}
	}
	err := confine.Start(run, policy)
	if errors.Is(err, confine.ErrUnsupported) {
		err = run.Start()
	}
	if err == nil {
		err = run.Wait()
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if len(bytes.TrimSpace(trouble.data)) == 0 { // yarn and pnpm tell everything on standard output
			trouble.data = out.data[max(0, len(out.data)-maxToolError):]
		}
		said := strings.NewReplacer(b.copy+string(filepath.Separator), "", b.copy, ".", b.home, "~", b.dir, "").Replace(trouble.text())
		called := cmd.Program
		if cmd.Package != nil {
			called = cmd.Package.Called
		}
		return nil, &ToolError{Program: called, Output: said, Err: err}
	}
	return out.data, nil
}

// systemFolders are what programs read to work at all; none of them holds what belongs to the operator.
var systemFolders = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies",
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/passwd", "/etc/group",
	"/etc/localtime", "/etc/mime.types", "/etc/ld.so.cache", "/etc/alternatives", "/dev/urandom", "/dev/random", "/dev/zero",
	"/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/sys/kernel/mm",
}

var systemPrograms = []string{"/usr", "/bin", "/lib", "/lib64", "/opt"}

// tail keeps the beginning of what is written up to most bytes; of standard error, which is shown, its end.
type tail struct {
	data []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - t.most; over > 0 {
		t.data = t.data[over:]
	}
	return len(p), nil
}

// text returns the last lines as one.
func (t *tail) text() string {
	lines := bytes.Split(bytes.TrimSpace(t.data), []byte("\n"))
	const most = 12
	lines = lines[max(0, len(lines)-most):]
	return scanner.Plain(string(bytes.Join(lines, []byte("; "))))
}

// removeAll removes a folder even where a program took the right to write from parts of it, as Go does with modules.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = os.Chmod(name, 0o700) // what stays is told by the second try
		}
		return nil
	})
	return os.RemoveAll(dir)
}

var _ io.Writer = (*tail)(nil)
