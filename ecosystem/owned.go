package ecosystem

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// OwnedFiles calls visit with the path of each file that a package of dpkg or apk brought into a root file system. What a
// distribution packages is told by its own database: its advisories know of fixes that leave the version as it was, and
// those of PyPI or npm do not.
func OwnedFiles(tree *inventory.Tree, visit func(path string)) {
	const lists = "var/lib/dpkg/info/"
	for _, f := range tree.WithSuffix(".list") {
		if !strings.HasPrefix(f.Path, lists) {
			continue
		}
		data, err := tree.ReadFile(f.Path)
		if err != nil {
			continue // what can't be read owns nothing
		}
		for line := range strings.Lines(string(data)) {
			visit(strings.Trim(line, "/\n"))
		}
	}
	for _, f := range tree.Named("installed") {
		if !isApkInstalled(f) {
			continue
		}
		data, err := tree.ReadFile(f)
		if err != nil {
			continue
		}
		folder := ""
		for line := range strings.Lines(string(data)) { // F: a folder, R: a file in it
			line = strings.TrimSpace(line)
			if dir, ok := strings.CutPrefix(line, "F:"); ok {
				folder = dir
			} else if name, ok := strings.CutPrefix(line, "R:"); ok {
				visit(strings.TrimPrefix(folder+"/"+name, "/"))
			}
		}
	}
}
