package main

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	lookup "github.com/trifecta-scanner/trifecta/internal/aws"
	"github.com/trifecta-scanner/trifecta/internal/disk"
)

// keptBlocks is how many bytes of a snapshot are held: what the walk over a file system goes back to.
const keptBlocks = 128 << 20

// openAMI returns the disks of an AMI, whose blocks are asked for when they are read. failed says afterwards whether one could
// not be read: to a file system that is the same as damage, and to the user it is not.
func (a *app) openAMI(ctx context.Context, id string, opts *amiOptions, shown progress) (disks []*disk.Image, failed func() error, err error) {
	if opts.offline {
		return nil, nil, usage("export the image to a file (aws ec2 export-image), or leave --offline out", "%s is an image of an account, which --offline does not ask", id)
	}
	client, err := lookup.Open(ctx, lookup.Options{Getenv: a.getenv, Now: time.Now})
	if err != nil {
		return nil, nil, &exitError{code: exitUnable, err: err}
	}
	region := cmp.Or(opts.region, client.Region())
	if region == "" {
		return nil, nil, usage("set AWS_REGION, or name it with --region", "the region of %s is not known", id)
	}
	shown.step("asking for " + id)
	machine, err := client.Machine(ctx, region, id)
	if err != nil {
		return nil, nil, &exitError{code: exitUnable, err: err}
	}
	if machine.Windows {
		return nil, nil, &exitError{code: exitUnable, err: fmt.Errorf("%s is an image of Windows, which is not read", id)}
	}
	var read atomic.Int64
	var first atomic.Pointer[error]
	for _, v := range machine.Volumes {
		block := func(index int64) ([]byte, error) {
			data, err := v.Read(index)
			if err != nil {
				first.CompareAndSwap(nil, &err)
			}
			if n := read.Add(int64(len(data))); err == nil && len(data) > 0 {
				shown.step(fmt.Sprintf("reading %s: %d MiB of %s", id, n>>20, v.Snapshot))
			}
			return data, err
		}
		disks = append(disks, &disk.Image{
			ReaderAt: disk.Blocks(v.Size, v.BlockSize, int(keptBlocks/v.BlockSize), block), Format: "EBS snapshot", Size: v.Size,
		})
	}
	return disks, func() error {
		if err := first.Load(); err != nil {
			return *err
		}
		return nil
	}, nil
}
