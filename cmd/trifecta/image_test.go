package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// layoutOf makes an image in the OCI layout whose layers are folders: layout IMAGE FOLDER...
func layoutOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: layout IMAGE FOLDER...")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o700))
	type descriptor struct {
		MediaType string            `json:"mediaType"`
		Digest    string            `json:"digest"`
		Size      int               `json:"size"`
		Platform  map[string]string `json:"platform,omitempty"`
	}
	blob := func(kind string, data []byte) descriptor {
		sum := sha256.Sum256(data)
		name := hex.EncodeToString(sum[:])
		ts.Check(os.WriteFile(filepath.Join(dir, "blobs", "sha256", name), data, 0o600))
		return descriptor{MediaType: "application/vnd.oci.image." + kind, Digest: "sha256:" + name, Size: len(data)}
	}
	encoded := func(v any) []byte {
		data, err := json.Marshal(v)
		ts.Check(err)
		return data
	}
	var layers []descriptor
	var ids []string
	for _, folder := range args[1:] {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		ts.Check(w.AddFS(os.DirFS(ts.MkAbs(folder))))
		ts.Check(w.Close())
		d := blob("layer.v1.tar", b.Bytes())
		layers, ids = append(layers, d), append(ids, d.Digest)
	}
	config := blob("config.v1+json", encoded(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{}, "rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	}))
	manifest := blob("manifest.v1+json", encoded(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers,
	}))
	manifest.Platform = map[string]string{"os": "linux", "architecture": "amd64"}
	ts.Check(os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, "index.json"), fmt.Appendf(nil, `{"schemaVersion":2,"manifests":[%s]}`, encoded(manifest)), 0o600))
}
