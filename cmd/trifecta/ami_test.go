package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/scanner"
)

const storedImage = "ami-0bbbbbbbbbbbbbbb1"

// standInSnapshot answers for AWS: one image whose root is a disk in blocks, of which those that are zero are not there. It
// counts the blocks that are read.
func standInSnapshot(t *testing.T, disk []byte, refuse string) *atomic.Int32 {
	t.Helper()
	const size = 512 << 10
	var read atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case refuse != "" && strings.Contains(path, refuse):
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"Message":"User: arn:aws:iam::111122223333:user/x","Reason":"UNAUTHORIZED_ACCOUNT"}`)
		case path == "/":
			fmt.Fprintf(w, `<DescribeImagesResponse><imagesSet><item><imageId>%s</imageId><name>golden</name><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping>
				<item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-0bbbbbbbbbbbbbbb1</snapshotId></ebs></item></blockDeviceMapping></item></imagesSet></DescribeImagesResponse>`, storedImage)
		case strings.HasSuffix(path, "/blocks"):
			var list []string
			for i := 0; i*size < len(disk); i++ {
				if len(bytes.Trim(disk[i*size:min((i+1)*size, len(disk))], "\x00")) > 0 {
					list = append(list, fmt.Sprintf(`{"BlockIndex":%d,"BlockToken":"t%d"}`, i, i))
				}
			}
			fmt.Fprintf(w, `{"Blocks":[%s],"BlockSize":%d,"VolumeSize":1}`, strings.Join(list, ","), size)
		default:
			read.Add(1)
			i, err := strconv.Atoi(path[strings.LastIndex(path, "/")+1:])
			if err != nil || r.FormValue("blockToken") != fmt.Sprintf("t%d", i) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			_, _ = w.Write(disk[i*size : min((i+1)*size, len(disk))])
		}
	}))
	t.Cleanup(server.Close)
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	return &read
}

func diskOfTest(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("../../internal/disk/testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAMIOfAccount reads an image of an account: the same packages as the file that its snapshot was made of.
func TestAMIOfAccount(t *testing.T) {
	disk := diskOfTest(t, "gpt.img")
	file := filepath.Join(t.TempDir(), "gpt.img")
	if err := os.WriteFile(file, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	read := standInSnapshot(t, disk, "")
	packages := func(args ...string) *scanner.Result {
		var out, errs bytes.Buffer
		line := append([]string{"ami", "-o", "json", "--fail-on", "none", "--as-of", "2026-06-01", "--db", t.TempDir()}, args...)
		if code := run(t.Context(), line, streams{out: &out, err: &errs}, func(string) string { return "" }); code != exitOK {
			t.Fatalf("trifecta %s: exit %d: %s", strings.Join(line, " "), code, errs.String())
		}
		res := new(scanner.Result)
		if err := json.Unmarshal(out.Bytes(), res); err != nil {
			t.Fatal(err)
		}
		return res
	}
	remote, local := packages(storedImage, "--region", "eu-west-1"), packages(file, "--offline")
	if diff := cmp.Diff(local.Packages, remote.Packages); diff != "" || len(remote.Packages) != 2 {
		t.Errorf("%d packages; those of the file and of the account (-file +account):\n%s", len(remote.Packages), diff)
	}
	if remote.Target.Path != storedImage || len(remote.MachineImages) != 1 || string(remote.MachineImages[0].ID) != storedImage {
		t.Errorf("target %+v, images %+v", remote.Target, remote.MachineImages)
	}
	if blocks := int(read.Load()); blocks == 0 || blocks > len(disk)>>19 {
		t.Errorf("%d blocks were read of %d", blocks, len(disk)>>19)
	}
}

func TestAMIRefused(t *testing.T) {
	for _, tt := range []struct {
		name, refuse, want string
		args               []string
		code               int
	}{
		{"blocks are refused", "/blocks", "AWS refuses ebs:ListSnapshotBlocks", []string{"--region", "eu-west-1"}, exitUnable},
		{"a late block is refused", "/blocks/5", "AWS refuses ebs:GetSnapshotBlock", []string{"--region", "eu-west-1"}, exitUnable},
		{"a block is refused", "/blocks/", "AWS refuses ebs:GetSnapshotBlock", []string{"--region", "eu-west-1"}, exitUnable},
		{"no region", "", "the region of " + storedImage + " is not known", nil, exitUsage},
		{"offline", "", "--offline does not ask", []string{"--offline"}, exitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			standInSnapshot(t, diskOfTest(t, "gpt.img"), tt.refuse)
			var out, errs bytes.Buffer
			code := run(t.Context(), append([]string{"ami", storedImage}, tt.args...), streams{out: &out, err: &errs}, func(string) string { return "" })
			if code != tt.code || !strings.Contains(errs.String(), tt.want) || out.Len() > 0 {
				t.Errorf("exit %d: %s%s; want %d: %s", code, errs.String(), out.String(), tt.code, tt.want)
			}
			if strings.Contains(errs.String(), "111122223333") {
				t.Errorf("an account is named: %s", errs.String())
			}
		})
	}
}
