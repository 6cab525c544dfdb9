// Package aws asks an AWS account, read-only, what code alone can't tell: when machine images were made, whether they are
// deprecated or gone, what a search for them finds today, which one is the newest of a series, what Inspector found in them,
// where public parameters lead, which patches the declared machines miss, and how long EKS supports a version. It is the home
// of the AWS SDK, of which it uses the chain of credentials and the signatures; the few operations that it asks have requests
// and answers of their own here, because a client of EC2 alone costs more than 20 MB of binary. Of one image it also reads the content, the
// blocks of its snapshots (Machine).
//
// What was answered is a Snapshot, which can be kept in a file and judged again without an account. It judges nothing itself.
//
// # Permissions
//
// Operations lists what is asked. Whatever is refused is a Refusal of the snapshot, and the rest is still asked. The content of
// an image wants ebs:ListSnapshotBlocks and ebs:GetSnapshotBlock, and kms:Decrypt where its snapshots are encrypted.
//
// # Limitations
//
// Endpoints are those of the region's partition, or those that AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_EC2, _SSM, _EKS,
// _EBS and _INSPECTOR2 name; endpoints of FIPS and dual stack are used where one of these names them.
package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Question is what is asked, by region.
type Question map[string]*Wanted

// Wanted is what is asked of one region.
type Wanted struct {
	Images     []string // ids
	Listed     []string // ids that nothing starts from, such as those of a map: of these Inspector's findings are not asked
	Parameters []string // paths of public parameters
	Searches   []Search
	Machines   []Machines
	Groups     []string // patch groups
	Kubernetes []string // versions of EKS clusters
}

// Filter is one filter of a question to EC2: a name and the values of which one has to fit.
type Filter struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Search is a search for machine images, as an aws_ami data source or a source_ami_filter declares it.
type Search struct {
	Owners     []string `json:"owners,omitempty"`
	Executable []string `json:"executable_by,omitempty"`
	Filters    []Filter `json:"filters,omitempty"`
	NameRegex  string   `json:"name_regex,omitempty"` // what names have to match, of those that AWS finds; the syntax of Go's regexp
	Deprecated bool     `json:"deprecated,omitempty"` // deprecated images are found too
}

// Machines are the running machines that the filters fit; their patches are asked for.
type Machines struct {
	Filters []Filter `json:"filters"`
}

// Options are the surroundings of a Client.
type Options struct {
	Getenv func(string) string // of the variables that name endpoints; nil: none is set
	Now    func() time.Time    // the time of signatures; AWS refuses those that are 5 minutes off
	Base   http.RoundTripper   // nil: web.NewTransport()
	Sleep  func(context.Context, time.Duration) error
}

// Client asks one account. It is safe for use by several goroutines.
type Client struct {
	config sdk.Config
	opts   Options
}

// ErrNoCredentials says that the SDK's chain found no credentials that work.
var ErrNoCredentials = errors.New("no credentials for AWS: neither the environment, the shared files, a web identity nor the machine has any")

// credentialsWait bounds the search for credentials: outside of AWS the last link of the chain asks an address that nobody has.
const credentialsWait = 15 * time.Second

// Open finds credentials by the SDK's normal chain: environment, shared files, web identity (OIDC), container, machine. Where
// there are none, the error is ErrNoCredentials; the chain's own reason stays out of it, since it can name files and accounts.
func Open(ctx context.Context, o Options) (*Client, error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Base == nil {
		o.Base = web.NewTransport()
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsWait)
	defer cancel()
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the settings of AWS: %w", err)
	}
	if loaded.Credentials == nil {
		return nil, ErrNoCredentials
	}
	if _, err := loaded.Credentials.Retrieve(ctx); err != nil {
		return nil, ErrNoCredentials
	}
	return &Client{config: loaded, opts: o}, nil
}

// Region is the region that the environment or the shared files set; empty where they set none.
func (c *Client) Region() string { return c.config.Region }

// The bounds of a look-up. What is above them is a Refusal.
const (
	maxRegions = 40
	maxAsked   = 2000 // images, and parameters, of one region
	maxSeries  = 200  // of one region; searches, machines and patch groups as well
	maxScanned = 200  // images of one region whose findings are asked
	maxPages   = 20   // of one question
	together   = 6    // regions that are asked at once
)

// Codes of refusals that are ours and not AWS's.
const (
	NoRegion = "NoSuchRegion" // the name can't be one of a region
	TooMuch  = "TooMuch"      // above a bound of this package
	Failed   = "Failed"       // no answer of AWS: no connection, or one that can't be read
	Unread   = "Unread"       // a part of the answer names no vulnerability that is known as such
	// BadPattern says that a name_regex is none.
	BadPattern = "BadPattern"
)

var (
	regionName    = lazy.Regexp(`^[a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2}$`)
	imageID       = lazy.Regexp(`^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
	imageIn       = lazy.Regexp(`\bami-(?:[0-9a-f]{17}|[0-9a-f]{8})\b`)
	parameterPath = lazy.Regexp(`^/aws/service/[A-Za-z0-9_./-]+$`)
)

// Ask asks everything of a question. The answer is complete in the sense that what could not be asked is in it as well; only
// the end of the context is an error. Regions and what is in them are sorted.
func (c *Client) Ask(ctx context.Context, q Question) (*Snapshot, error) {
	names := slices.Sorted(maps.Keys(q))
	regions := make([]Region, len(names))
	var wait sync.WaitGroup
	places := make(chan struct{}, together)
	for i, name := range names {
		regions[i].Name = name
		// A region is a word of the tree, and becomes a part of a host name.
		if !regionName().MatchString(name) {
			regions[i].refuse("", NoRegion)
			continue
		}
		if i >= maxRegions {
			regions[i].refuse("", TooMuch)
			continue
		}
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			c.region(ctx, &regions[i], q[name])
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ask AWS: %w", err)
	}
	return &Snapshot{Schema: schema, Regions: regions}, nil
}

// maxName is how long the name of a parameter may be.
const maxName = 1011

// known returns those of a list that have the form, sorted and once each.
func known(list []string, form *regexp.Regexp) []string {
	var out []string
	for _, s := range list {
		if len(s) <= maxName && form.MatchString(s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// region asks one region: where parameters and searches lead, then the images, then the newest of each series and what
// Inspector found in them; machines and versions of clusters last.
func (c *Client) region(ctx context.Context, r *Region, w *Wanted) {
	ids, parameters := known(w.Images, imageID()), known(w.Parameters, parameterPath())
	if len(ids) > maxAsked || len(parameters) > maxAsked {
		r.refuse("", TooMuch)
		ids, parameters = ids[:min(len(ids), maxAsked)], parameters[:min(len(parameters), maxAsked)]
	}
	ec2, ssm := c.service("ec2", r.Name), c.service("ssm", r.Name)
	led := r.lead(ctx, ssm, parameters)
	found := r.search(ctx, ec2, w.Searches)
	full := r.images(ctx, ec2, known(slices.Concat(ids, led), imageID()))
	full = append(full, found...)
	slices.SortFunc(full, func(a, b image) int { return cmp.Compare(a.ID, b.ID) })
	full = slices.CompactFunc(full, func(a, b image) bool { return a.ID == b.ID })
	// The newest ones are kept with what is known of them: whoever moves to one wants to know where that leads.
	listed := slices.Clone(w.Listed)
	for _, best := range r.newest(ctx, ec2, full) {
		if slices.ContainsFunc(full, func(i image) bool { return i.ID == best.ID }) {
			continue
		}
		if !slices.ContainsFunc(full, func(i image) bool { return i.newest == best.ID && !slices.Contains(w.Listed, i.ID) }) {
			listed = append(listed, best.ID)
		}
		best.newest = best.ID
		full = append(full, best)
	}
	slices.SortFunc(full, func(a, b image) int { return cmp.Compare(a.ID, b.ID) })
	var scanned []string
	for _, i := range full {
		r.Images = append(r.Images, i.kept())
		if !slices.Contains(listed, i.ID) {
			scanned = append(scanned, i.ID)
		}
	}
	r.scan(ctx, ec2, c.service("inspector2", r.Name), scanned)
	r.patches(ctx, ec2, ssm, w.Machines)
	r.groups(ctx, ssm, w.Groups)
	r.kubernetes(ctx, c.service("eks", r.Name), w.Kubernetes)
}

// lead asks where parameters lead, and returns the ids of images that they name.
func (r *Region) lead(ctx context.Context, ssm *service, parameters []string) []string {
	var ids []string
	for batch := range slices.Chunk(parameters, 10) {
		found, err := ssm.parameters(ctx, batch)
		if err != nil {
			r.refuse(getParameters, code(err))
			break // the next batch is refused for the same reason
		}
		for _, p := range found {
			if p.Image != "" {
				ids = append(ids, p.Image)
			}
		}
		r.Parameters = append(r.Parameters, found...)
	}
	slices.SortFunc(r.Parameters, func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) })
	return ids
}

// images asks for images by their ids, and notes those that the region does not have.
func (r *Region) images(ctx context.Context, ec2 *service, ids []string) []image {
	var full []image
	for batch := range slices.Chunk(ids, 100) { // a filter takes 200 values
		found, err := ec2.images(ctx, imagesByID(batch))
		if err != nil {
			r.refuse(describeImages, code(err))
			return full
		}
		full = append(full, found...)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(full, func(i image) bool { return i.ID == id }) {
			r.Absent = append(r.Absent, id)
		}
	}
	return full
}

// newest sets the newest image of the series of each, and returns these.
func (r *Region) newest(ctx context.Context, ec2 *service, images []image) (newest []image) {
	type series struct{ owner, pattern, architecture string }
	answers := map[series]*image{}
	for k := range images {
		i := &images[k]
		s := series{i.OwnerID, Series(i.Name), i.Architecture}
		if s.pattern == "" || s.owner == "" {
			continue
		}
		best, ok := answers[s]
		if !ok {
			if len(answers) >= maxSeries {
				r.refuse(describeImages, TooMuch)
				return newest
			}
			found, err := ec2.images(ctx, imagesOfSeries(s.owner, s.pattern))
			if err != nil {
				r.refuse(describeImages, code(err))
				return newest
			}
			for n := range found {
				f := &found[n]
				// The pattern of the question is wider than the series: * also stands for words.
				if f.State == "available" && f.Architecture == s.architecture && Series(f.Name) == s.pattern &&
					(best == nil || f.Created > best.Created || f.Created == best.Created && f.ID < best.ID) {
					best = f
				}
			}
			answers[s] = best
		}
		if best != nil && best.Created >= i.Created {
			i.newest = best.ID
			if best.ID != i.ID {
				i.newestName = best.Name
			}
			if !slices.ContainsFunc(newest, func(n image) bool { return n.ID == best.ID }) {
				newest = append(newest, *best)
			}
		}
	}
	return newest
}

func (r *Region) refuse(operation, code string) {
	refusal := Refusal{Operation: operation, Code: code}
	if !slices.Contains(r.Refused, refusal) {
		r.Refused = append(r.Refused, refusal)
	}
}

// The parts of names by which the images of a series differ: the day, with the time and the numbers that stand beside it; a
// version behind a v; the seconds that Packer puts into names.
var (
	dayInName     = lazy.Regexp(`(?:\d+\.)*20\d\d[-._]?(?:0[1-9]|1[0-2])[-._]?(?:0[1-9]|[12]\d|3[01])(?:[-._T]?\d{1,6})*(?:Z)?`)
	versionInName = lazy.Regexp(`\bv?\d+\.\d+\.\d+(?:-[0-9a-f]{7,8})?\b`)
	secondsInName = lazy.Regexp(`\b1\d{9}\b`)
)

// Series returns the pattern of the names of an image's series, with * for what differs between its images: the day, else a
// version of three numbers, else a time in seconds. A name without any of them is of no series, and the pattern empty.
func Series(name string) string {
	if strings.ContainsAny(name, `*?\`) || len(name) > 256 {
		return ""
	}
	for _, differs := range []*regexp.Regexp{dayInName(), versionInName(), secondsInName()} {
		if all := differs.FindAllStringIndex(name, -1); len(all) > 0 {
			last := all[len(all)-1]
			pattern := name[:last[0]] + "*" + name[last[1]:]
			if strings.Trim(pattern, "*-_. ") == "" {
				return "" // every image of the owner would be one of it
			}
			return pattern
		}
	}
	return ""
}
