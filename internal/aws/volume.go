package aws

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// The operations of the EBS direct APIs, which read a snapshot without a machine that mounts it
// (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html).
const (
	listBlocks = "ebs:ListSnapshotBlocks"
	getBlock   = "ebs:GetSnapshotBlock"
)

// Machine is a machine image with the snapshots that its volumes are made from, the one of the root first.
type Machine struct {
	Name, Architecture string
	Windows            bool
	Volumes            []*Volume
}

// Volume is a snapshot whose blocks are read when they are asked for. It is safe for use by several goroutines.
type Volume struct {
	Device    string // /dev/xvda
	Snapshot  string
	Size      int64 // bytes
	BlockSize int64
	Blocks    int // that were ever written; the others are zero

	ctx    context.Context
	ebs    *service
	tokens map[int64]string
}

var (
	snapshotID = lazy.Regexp(`^snap-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
	reason     = lazy.Regexp(`"(?:Reason|reason)"\s*:\s*"([A-Za-z_]+)"`)
)

// Bounds of a snapshot: EBS has volumes of at most 64 TiB in blocks of 512 KiB.
const (
	maxVolume  = 1 << 46
	maxBlock   = 4 << 20
	maxVolumes = 16
)

// Machine finds an image in a region, and the blocks of its snapshots. An error says which permission is missing, where it is
// that. ctx is that of later reads, too.
func (c *Client) Machine(ctx context.Context, region, id string) (*Machine, error) {
	if !regionName().MatchString(region) {
		return nil, fmt.Errorf("%q is no region of AWS", region)
	}
	if !imageID().MatchString(id) {
		return nil, fmt.Errorf("%q is no id of a machine image", id)
	}
	form := imagesByID([]string{id})
	data, err := c.service("ec2", region).web.Do(ctx, http.MethodPost, c.service("ec2", region).address, "application/x-www-form-urlencoded; charset=utf-8", []byte(form.Encode()))
	if err != nil {
		return nil, denied(describeImages, id, err)
	}
	image, err := parseMachine(data)
	if err != nil {
		return nil, err
	}
	if image == nil {
		return nil, fmt.Errorf("%s is not known in %s: it is deregistered, of another region, or not shared with this account", id, region)
	}
	m := &Machine{Name: image.Name, Architecture: image.Architecture, Windows: image.Platform == "windows"}
	for _, d := range image.ordered() {
		if d.Snapshot == "" { // an empty volume, or one of the host
			continue
		}
		if !snapshotID().MatchString(d.Snapshot) {
			return nil, fmt.Errorf("%s: %q is no id of a snapshot", id, d.Snapshot)
		}
		if len(m.Volumes) >= maxVolumes {
			return nil, fmt.Errorf("%s has more than %d volumes", id, maxVolumes)
		}
		v := &Volume{Device: d.Device, Snapshot: d.Snapshot, ctx: ctx, ebs: c.service("ebs", region), tokens: map[int64]string{}}
		if err := v.list(ctx); err != nil {
			return nil, err
		}
		m.Volumes = append(m.Volumes, v)
	}
	if len(m.Volumes) == 0 {
		return nil, fmt.Errorf("%s has no snapshot: images that are kept in S3 (instance store) are not read", id)
	}
	return m, nil
}

// machineXML is an answer of DescribeImages.
type machineXML struct {
	Name         string      `xml:"name"`
	Architecture string      `xml:"architecture"`
	Platform     string      `xml:"platform"`
	Root         string      `xml:"rootDeviceName"`
	Devices      []deviceXML `xml:"blockDeviceMapping>item"`
}

type deviceXML struct {
	Device   string `xml:"deviceName"`
	Snapshot string `xml:"ebs>snapshotId"`
}

func parseMachine(data []byte) (*machineXML, error) {
	var page struct {
		XMLName xml.Name     `xml:"DescribeImagesResponse"`
		Images  []machineXML `xml:"imagesSet>item"`
	}
	if err := xml.Unmarshal(data, &page); err != nil {
		return nil, fmt.Errorf("read the image: %w", err)
	}
	if len(page.Images) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return &page.Images[0], nil
}

// ordered returns the devices, that of the root first.
func (m *machineXML) ordered() []deviceXML {
	list := slices.Clone(m.Devices)
	slices.SortStableFunc(list, func(a, b deviceXML) int {
		isRoot := func(d deviceXML) int {
			if d.Device == m.Root {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(isRoot(a), isRoot(b)), strings.Compare(a.Device, b.Device))
	})
	return list
}

// list asks which blocks the snapshot has (https://docs.aws.amazon.com/ebs/latest/APIReference/API_ListSnapshotBlocks.html).
func (v *Volume) list(ctx context.Context) error {
	next := ""
	for {
		query := url.Values{"maxResults": {"10000"}}
		if next != "" {
			query.Set("pageToken", next)
		}
		data, err := v.ebs.web.Get(ctx, v.ebs.address+"snapshots/"+v.Snapshot+"/blocks?"+query.Encode())
		if err != nil {
			return denied(listBlocks, v.Snapshot, err)
		}
		token, err := v.page(data)
		if err != nil {
			return fmt.Errorf("read the blocks of %s: %w", v.Snapshot, err)
		}
		if token == "" || token == next {
			return nil
		}
		next = token
	}
}

// page adds the blocks of one answer and returns the token of the next.
func (v *Volume) page(data []byte) (next string, err error) {
	var page struct {
		Blocks []struct {
			BlockIndex json.Number // a number, which some servers write as a text
			BlockToken string
		}
		BlockSize  int64
		VolumeSize int64 // GiB
		NextToken  string
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return "", err
	}
	v.BlockSize, v.Size = cmp.Or(page.BlockSize, v.BlockSize), max(v.Size, page.VolumeSize<<30)
	if v.BlockSize < 512 || v.BlockSize > maxBlock || page.VolumeSize < 0 || page.VolumeSize > maxVolume>>30 {
		return "", errors.New("its size is none that a volume can have")
	}
	for _, b := range page.Blocks {
		index, err := b.BlockIndex.Int64()
		if err != nil || index < 0 || index > v.Size/v.BlockSize {
			return "", errors.New("it has a block behind its end")
		}
		v.tokens[index] = b.BlockToken
	}
	v.Blocks = len(v.tokens)
	return page.NextToken, nil
}

// Read returns a block; nothing for one that was never written
// (https://docs.aws.amazon.com/ebs/latest/APIReference/API_GetSnapshotBlock.html).
func (v *Volume) Read(index int64) ([]byte, error) {
	token, ok := v.tokens[index]
	if !ok {
		return nil, nil
	}
	data, err := v.ebs.web.Get(v.ctx, v.ebs.address+"snapshots/"+v.Snapshot+"/blocks/"+strconv.FormatInt(index, 10)+"?"+url.Values{"blockToken": {token}}.Encode())
	if err != nil {
		return nil, denied(getBlock, v.Snapshot, err)
	}
	if int64(len(data)) > v.BlockSize {
		return nil, fmt.Errorf("block %d of %s is larger than a block", index, v.Snapshot)
	}
	return data, nil
}

// denied says what AWS did not answer and what would help. AWS's own words stay out, because they name users and accounts.
func denied(operation, of string, err error) error {
	why := code(err)
	var status *web.StatusError
	if !errors.As(err, &status) {
		if errors.Is(err, ErrNoCredentials) {
			return ErrNoCredentials
		}
		return fmt.Errorf("AWS did not answer %s for %s: no connection, or no answer that can be read", operation, of)
	}
	if m := reason().FindStringSubmatch(status.Body); m != nil {
		why += " " + m[1]
	}
	switch {
	case status.Status == http.StatusForbidden || strings.Contains(why, "Unauthorized") || strings.Contains(why, "AccessDenied"):
		help := "allow it to the role that asks"
		if operation != describeImages {
			help += ", with kms:Decrypt for the key of an encrypted snapshot; the snapshot of an image that somebody else publishes can't be read: copy the image into this account first (aws ec2 copy-image)"
		}
		return fmt.Errorf("AWS refuses %s for %s (%s); %s", operation, of, why, help)
	case status.Status == http.StatusNotFound:
		return fmt.Errorf("AWS knows no %s (%s, %s)", of, operation, why)
	}
	return fmt.Errorf("AWS did not answer %s for %s: %s", operation, of, why)
}

// checked compares a block with the checksum that AWS sends beside it, and makes one that differs a lost connection, after
// which it is asked for again.
func checked(res *http.Response) (*http.Response, error) {
	want := res.Header.Get("X-Amz-Checksum")
	if want == "" {
		return res, nil
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBlock+1))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the block: %w", err)
	}
	if sumOf(data) != want {
		return nil, fmt.Errorf("%w: its checksum differs", io.ErrUnexpectedEOF)
	}
	res.Body = io.NopCloser(bytes.NewReader(data))
	return res, nil
}

// sumOf is the checksum of a block as AWS writes it.
func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}
