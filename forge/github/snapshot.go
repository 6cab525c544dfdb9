package github

import (
	"context"
	"fmt"
	"net/http"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Snapshot is what a commit depends on, as the dependency graph takes it; go-github v60 has no type for it.
// https://docs.github.com/en/rest/dependency-graph/dependency-submission
type Snapshot struct {
	Version   int                         `json:"version"` // 0
	Job       SnapshotJob                 `json:"job"`
	SHA       string                      `json:"sha"`
	Ref       string                      `json:"ref"` // refs/heads/main
	Detector  SnapshotDetector            `json:"detector"`
	Scanned   string                      `json:"scanned"` // RFC 3339
	Manifests map[string]SnapshotManifest `json:"manifests"`
}

// SnapshotJob names the run. A later snapshot with the same correlator replaces the earlier one.
type SnapshotJob struct {
	ID         string `json:"id"`
	Correlator string `json:"correlator"`
}

// SnapshotDetector is the program that found the packages.
type SnapshotDetector struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	URL     string `json:"url"`
}

// SnapshotManifest is one lock file or manifest.
type SnapshotManifest struct {
	Name     string                        `json:"name"`
	File     SnapshotFile                  `json:"file"`
	Resolved map[string]SnapshotDependency `json:"resolved"`
}

// SnapshotFile is where a manifest stands.
type SnapshotFile struct {
	SourceLocation string `json:"source_location"`
}

// SnapshotDependency is one package; the key of SnapshotManifest.Resolved is its package URL.
type SnapshotDependency struct {
	PackageURL   string   `json:"package_url"`
	Relationship string   `json:"relationship,omitempty"` // direct or indirect
	Scope        string   `json:"scope,omitempty"`        // runtime or development
	Dependencies []string `json:"dependencies,omitempty"`
}

// SubmitSnapshot sends a snapshot. Sending it twice replaces it.
func (c *Client) SubmitSnapshot(ctx context.Context, snapshot *Snapshot) error {
	const operation = "submit the dependency snapshot"
	const needs = "the permission contents: write, and the dependency graph switched on for the repository"
	var err error
	for try := range forge.Tries {
		if try > 0 {
			if err := c.sleep(ctx, web.Backoff(try)); err != nil {
				return err
			}
		}
		var req *http.Request
		req, err = c.api.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/dependency-graph/snapshots", c.owner, c.name), snapshot)
		if err != nil {
			return err
		}
		if _, err = c.api.Do(ctx, req, nil); !lost(err) {
			break
		}
	}
	return denied(operation, needs, err)
}
