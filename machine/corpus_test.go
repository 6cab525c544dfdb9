package machine

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestCorpus looks for each reference to a machine image that somebody has listed by hand in real repositories. The archives do not
// hold every file of theirs: what is not there is counted and not looked for.
func TestCorpus(t *testing.T) {
	folder := filepath.Join(shared.Dir(t), "corpus")
	list, err := os.Open(filepath.Join(folder, "ami-refs.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	type place struct {
		path string
		line int
	}
	wanted := map[string][]place{}
	rows := bufio.NewScanner(list)
	rows.Scan() // the names of the columns
	for rows.Scan() {
		columns := strings.Split(rows.Text(), "\t")
		line, err := strconv.Atoi(columns[2])
		if err != nil {
			t.Fatal(err)
		}
		wanted[columns[0]] = append(wanted[columns[0]], place{columns[1], line})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	looked, absent := 0, 0
	for repository, places := range wanted {
		files := unpack(t, filepath.Join(folder, repository+".tar.gz"))
		found := map[place]bool{}
		for _, r := range find(t, files) {
			for _, at := range r.Locations {
				found[place{at.Path, at.Line}] = true
			}
		}
		for _, p := range places {
			switch _, ok := files[p.path]; {
			case !ok:
				absent++
			case !found[p]:
				t.Errorf("%s: nothing is found at %s:%d", repository, p.path, p.line)
			default:
				looked++
			}
		}
	}
	if looked < 1000 {
		t.Errorf("only %d references are in the archives", looked)
	}
	t.Logf("%d references are found; the files of %d are not in the archives", looked, absent)
}

// unpack returns the files of an archive in which machine images can be named.
func unpack(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(path.Clean(header.Name), "/")
		if header.Typeflag != tar.TypeReg || !isSearched(&inventory.File{Path: rest, Size: header.Size}) {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[rest] = string(content)
	}
}
