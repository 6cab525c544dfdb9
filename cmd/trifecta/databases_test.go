package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/internal/peers"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// service answers as the OSV service does, from a folder of records: which ones apply is the folder's answer, and the
// records are handed out as they were published.
type service struct {
	db      advisory.Database
	records map[string]*zip.File
	asked   atomic.Int64
}

func newService(t *testing.T, dir string, db advisory.Database) *service {
	t.Helper()
	s := &service{db: db, records: map[string]*zip.File{}}
	archives, err := filepath.Glob(filepath.Join(dir, "*", "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range archives {
		archive, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { archive.Close() })
		for _, f := range archive.File {
			s.records[strings.TrimSuffix(f.Name, ".json")] = f
		}
	}
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	if err := s.answer(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (s *service) answer(w http.ResponseWriter, r *http.Request) error {
	if id, ok := strings.CutPrefix(r.URL.Path, "/v1/vulns/"); ok {
		f, ok := s.records[id]
		if !ok {
			return fmt.Errorf("no record %s", id)
		}
		content, err := f.Open()
		if err != nil {
			return err
		}
		defer content.Close()
		_, err = io.Copy(w, content)
		return err
	}
	var batch struct {
		Queries []struct {
			Commit  string
			Version string
			Package struct{ Name, Ecosystem string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		return err
	}
	queries := make([]advisory.Query, len(batch.Queries))
	for i, q := range batch.Queries {
		queries[i] = advisory.Query{Ecosystem: q.Package.Ecosystem, Name: q.Package.Name, Version: q.Version, Commit: q.Commit}
	}
	found, _, err := s.db.Match(r.Context(), queries)
	if err != nil {
		return err
	}
	type vuln struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	}
	type result struct {
		Vulns []vuln `json:"vulns,omitempty"`
	}
	results := make([]result, len(found))
	for i, records := range found {
		for _, record := range records {
			results[i].Vulns = append(results[i].Vulns, vuln{record.ID, record.Modified})
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"results": results})
}

// TestDatabasesAgree scans real repositories with the same records as an index, as a folder of archives and as a
// service, and wants the same findings.
func TestDatabasesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an index of the whole database")
	}
	data := shared.Dir(t)
	folder, index := filepath.Join(data, "osv"), filepath.Join(t.TempDir(), "advisories.index")
	if err := advisory.BuildIndex(t.Context(), folder, index, advisory.IndexOptions{}); err != nil {
		t.Fatal(err)
	}
	db, err := advisory.Open(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	api := newService(t, folder, db)
	server := httptest.NewServer(api)
	defer server.Close()
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // of the records that the service answers with

	archives, err := filepath.Glob(filepath.Join(data, "corpus", "*.tar.gz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in the corpus: %v", err)
	}
	total := 0
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		dir := filepath.Join(t.TempDir(), name)
		if err := peers.Unpack(archive, dir); err != nil {
			t.Fatal(err)
		}
		findings := func(env map[string]string, args ...string) []string {
			var out, errs bytes.Buffer
			line := append([]string{"scan", dir, "--only", "dependencies", "--intel", filepath.Join(data, "intel"), "-o", "json", "--fail-on", "none", "--as-of", "2026-11-22"}, args...)
			if code := run(t.Context(), line, streams{out: &out, err: &errs}, func(key string) string { return env[key] }); code != exitOK {
				t.Fatalf("%s: exit %d: %s", name, code, errs.String())
			}
			res := new(scanner.Result)
			if err := json.Unmarshal(out.Bytes(), res); err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range res.Findings {
				fix := ""
				if f.Fix != nil {
					fix = f.Fix.Message
				}
				all = append(all, fmt.Sprint(f.Fingerprint, f.RuleID, f.Subject, f.Severity, f.Tier, f.Score, f.Location, f.Advisory.Aliases, fix))
			}
			slices.Sort(all)
			return all
		}
		byIndex := findings(nil, "--offline", "--db", index)
		byFolder := findings(nil, "--offline", "--db", folder)
		byService := findings(map[string]string{"TRIFECTA_OSV_API": server.URL})
		if diff := cmp.Diff(byIndex, byFolder); diff != "" {
			t.Errorf("%s: the folder finds something else than the index (-index +folder):\n%s", name, diff)
		}
		if diff := cmp.Diff(byIndex, byService); diff != "" {
			t.Errorf("%s: the service finds something else than the index (-index +service):\n%s", name, diff)
		}
		total += len(byIndex)
	}
	if total == 0 || api.asked.Load() == 0 {
		t.Errorf("%d findings, %d questions to the service: nothing was compared", total, api.asked.Load())
	}
	_ = os.RemoveAll(index) // the largest file
}
