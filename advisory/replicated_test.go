//go:build unix

package advisory

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/shared"
)

// BenchmarkReplicated asks the same 2,000 questions of databases of growing size: the records of npm, Go and Maven with
// 1, 5 and 10 copies of each under other names. The cost of an answer must not grow with the database.
func BenchmarkReplicated(b *testing.B) {
	base := open(b, build(b, filepath.Join(shared.Dir(b), "osv"), "npm", "Go", "Maven"))
	queries := someQueries(b, base, 2000)
	for _, copies := range []int{1, 5, 10} {
		path := filepath.Join(b.TempDir(), "index")
		replicate(b, base, path, copies)
		b.Run(fmt.Sprintf("%dx", copies), func(b *testing.B) {
			before := cpuTime(b)
			for b.Loop() {
				x, err := OpenIndex(path)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := x.Match(b.Context(), queries); err != nil {
					b.Fatal(err)
				}
				if err := x.Close(); err != nil {
					b.Fatal(err)
				}
			}
			reportCPU(b, before)
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/1e6, "MB")
		})
	}
}

// replicate writes an index with copies of every record of another one.
func replicate(b *testing.B, x *Index, path string, copies int) {
	b.Helper()
	w, err := newBuilder(filepath.Dir(path))
	if err != nil {
		b.Fatal(err)
	}
	defer w.discard()
	err = x.all(b.Context(), func(s *stored) error {
		for i := range copies {
			r := *s.record
			r.Affected = nil
			for _, a := range s.record.Affected {
				if i > 0 {
					a.Package.Name += fmt.Sprintf("-copy-%d", i)
				}
				r.Affected = append(r.Affected, a)
			}
			if i > 0 {
				r.ID += fmt.Sprintf("-copy-%d", i)
			}
			if err := w.add(new(encoder), &stored{record: &r, sum: s.sum, folders: s.folders}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, info := range x.meta.Ecosystems {
		w.folders[name] = info
	}
	if err := w.write(b.Context(), path); err != nil {
		b.Fatal(err)
	}
}
