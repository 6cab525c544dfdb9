package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	stored   = "ami-0bbbbbbbbbbbbbbb1"
	snapshot = "snap-0bbbbbbbbbbbbbbb1"
)

// snapshots answers as EC2 and the EBS direct APIs do: one image with a root and a second volume, of two pages of blocks.
type snapshots struct {
	refuse   string // a part of the paths that are refused
	damage   int    // how many blocks are sent damaged
	mapping  string
	platform string
}

func (s *snapshots) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scope := strings.Split(r.Header.Get("Authorization"), "/")
	if len(scope) < 4 || scope[2] != "eu-west-1" {
		http.Error(w, "unsigned", http.StatusForbidden)
		return
	}
	if s.refuse != "" && strings.Contains(r.URL.Path+" "+scope[3], s.refuse) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"Message":"User: arn:aws:iam::111122223333:user/x is not authorized","Reason":"UNAUTHORIZED_ACCOUNT"}`)
		return
	}
	switch {
	case scope[3] == "ec2" && r.FormValue("Filter.1.Value.1") != stored:
		fmt.Fprint(w, `<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>`)
	case scope[3] == "ec2":
		fmt.Fprintf(w, `<DescribeImagesResponse><imagesSet><item><imageId>%s</imageId><name>golden</name><architecture>x86_64</architecture><platform>%s</platform>
			<rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping>%s</blockDeviceMapping></item></imagesSet></DescribeImagesResponse>`, stored, s.platform, s.mapping)
	case strings.HasSuffix(r.URL.Path, "/blocks") && r.FormValue("pageToken") == "":
		fmt.Fprint(w, `{"Blocks":[{"BlockIndex":0,"BlockToken":"a+/="}],"BlockSize":524288,"VolumeSize":8,"ExpiryTime":1.7e9,"NextToken":"next"}`)
	case strings.HasSuffix(r.URL.Path, "/blocks"):
		fmt.Fprint(w, `{"Blocks":[{"BlockIndex":7,"BlockToken":"b"}],"BlockSize":524288,"VolumeSize":8}`)
	case r.FormValue("blockToken") == map[string]string{"0": "a+/=", "7": "b"}[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]:
		data := bytes.Repeat([]byte(r.URL.Path[len(r.URL.Path)-1:]), 524288)
		sum := sumOf(data)
		if s.damage > 0 {
			s.damage--
			data[9]++
		}
		w.Header().Set("X-Amz-Checksum", sum)
		_, _ = w.Write(data)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"Message":"no","Reason":"SNAPSHOT_NOT_FOUND"}`)
	}
}

const twoVolumes = `<item><deviceName>/dev/sdb</deviceName><ebs><snapshotId>snap-0bbbbbbbbbbbbbbb2</snapshotId></ebs></item>
	<item><deviceName>/dev/sdc</deviceName><virtualName>ephemeral0</virtualName></item>
	<item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>` + snapshot + `</snapshotId><volumeSize>8</volumeSize></ebs></item>`

func TestMachine(t *testing.T) {
	c, waits := client(t, &snapshots{mapping: twoVolumes, damage: 1})
	m, err := c.Machine(t.Context(), "eu-west-1", stored)
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "golden" || m.Windows || len(m.Volumes) != 2 {
		t.Fatalf("got %+v", m)
	}
	root := m.Volumes[0]
	if root.Snapshot != snapshot || root.Device != "/dev/xvda" || root.Size != 8<<30 || root.BlockSize != 524288 || root.Blocks != 2 {
		t.Errorf("root %+v", root)
	}
	for index, want := range map[int64]string{0: "0", 7: "7", 3: ""} {
		data, err := root.Read(index)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" && data != nil || want != "" && !bytes.Equal(data, bytes.Repeat([]byte(want), 524288)) {
			t.Errorf("block %d: %d bytes, %.3q", index, len(data), data)
		}
	}
	if *waits != 1 {
		t.Errorf("a damaged block was asked for again %d times, want 1", *waits)
	}
}

func TestMachineRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server snapshots
		region string
		id     string
		want   string
	}{
		{"no image", snapshots{}, "eu-west-1", "ami-0cccccccccccccccc", "is not known in eu-west-1"},
		{"no region", snapshots{}, "../x", stored, "no region of AWS"},
		{"instance store", snapshots{mapping: `<item><deviceName>/dev/sda1</deviceName></item>`}, "eu-west-1", stored, "instance store"},
		{"a name that is no snapshot", snapshots{mapping: `<item><ebs><snapshotId>../../x</snapshotId></ebs></item>`}, "eu-west-1", stored, "no id of a snapshot"},
		{"DescribeImages refused", snapshots{refuse: "ec2"}, "eu-west-1", stored, "AWS refuses ec2:DescribeImages for " + stored},
		{"ListSnapshotBlocks refused", snapshots{mapping: twoVolumes, refuse: "/blocks"}, "eu-west-1", stored, "AWS refuses ebs:ListSnapshotBlocks for " + snapshot + " (403 UNAUTHORIZED_ACCOUNT); allow it to the role that asks, with kms:Decrypt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := client(t, &tt.server)
			_, err := c.Machine(t.Context(), tt.region, tt.id)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "111122223333") {
				t.Errorf("the error names an account: %v", err)
			}
		})
	}
}

func FuzzVolumePage(f *testing.F) {
	f.Add([]byte(`{"Blocks":[{"BlockIndex":0,"BlockToken":"a"}],"BlockSize":524288,"VolumeSize":8}`))
	f.Add([]byte(`{"BlockSize":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v := &Volume{tokens: map[int64]string{}}
		if _, err := v.page(data); err == nil && (v.BlockSize < 512 || v.Size < 0) {
			t.Errorf("a volume of %d bytes in blocks of %d", v.Size, v.BlockSize)
		}
		_, _ = parseMachine(data)
	})
}

// TestMotoSnapshot reads blocks from a server that is not ours.
func TestMotoSnapshot(t *testing.T) {
	endpoint := moto(t)
	credentials(t, endpoint)
	send := func(method, path string, body []byte, sum string) []byte {
		req, err := http.NewRequestWithContext(t.Context(), method, endpoint+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260601/us-east-1/ebs/aws4_request, SignedHeaders=host, Signature=0")
		if sum != "" {
			req.Header.Set("X-Amz-Checksum", sum)
			req.Header.Set("X-Amz-Checksum-Algorithm", "SHA256")
			req.Header.Set("X-Amz-Data-Length", fmt.Sprint(len(body)))
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode > 299 {
			t.Fatalf("%s %s: %s %s %v", method, path, res.Status, data, err)
		}
		return data
	}
	var made struct{ SnapshotID string }
	if err := json.Unmarshal(send(http.MethodPost, "/snapshots", []byte(`{"VolumeSize":1}`), ""), &made); err != nil {
		t.Fatal(err)
	}
	blocks := map[int64][]byte{0: bytes.Repeat([]byte("\x00\xffb0"), 128), 5: bytes.Repeat([]byte("b5..."), 100)}
	for index, data := range blocks {
		send(http.MethodPut, fmt.Sprintf("/snapshots/%s/blocks/%d", made.SnapshotID, index), data, sumOf(data))
	}
	c, err := Open(t.Context(), Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	v := &Volume{Snapshot: made.SnapshotID, ctx: t.Context(), ebs: c.service("ebs", "us-east-1"), tokens: map[int64]string{}}
	if err := v.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v.Size != 1<<30 || v.Blocks != len(blocks) {
		t.Errorf("%d bytes, %d blocks", v.Size, v.Blocks)
	}
	for index, want := range blocks {
		if got, err := v.Read(index); err != nil || !bytes.Equal(got, want) {
			t.Errorf("block %d: %.20q, %v; want %.20q", index, got, err, want)
		}
	}
}
