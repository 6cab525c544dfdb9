package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/config"
)

// The workflow that init writes is the one that the examples show and the linters see.
func TestStarterWorkflow(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("..", "..", "examples", "workflows", "code-scanning.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(example), starterWorkflow); diff != "" {
		t.Errorf("starter/workflow.yml (-example +starter):\n%s", diff)
	}
}

// The job that it writes for GitLab is the template.
func TestStarterPipeline(t *testing.T) {
	template, err := os.ReadFile(filepath.Join("..", "..", "templates", "trifecta.gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(template), starterPipeline); diff != "" {
		t.Errorf("starter/gitlab-ci.yml (-template +starter):\n%s", diff)
	}
}

func TestStarterConfig(t *testing.T) {
	cfg, err := config.Read(os.DirFS("starter"), "trifecta.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"high"}, cfg.FailOn); diff != "" {
		t.Errorf("fail_on (-want +got):\n%s", diff)
	}
}

func FuzzBaseline(f *testing.F) {
	f.Add([]byte(`{"version": "1", "fingerprint_version": 1, "findings": [{"fingerprint": "a", "rule_id": "b", "subject": "c", "path": "d"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBaseline(data)
		if err != nil {
			return
		}
		again, err := b.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeBaseline(again); err != nil {
			t.Errorf("what was written can't be read: %v\n%s", err, again)
		}
	})
}
