package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	lookup "github.com/trifecta-scanner/trifecta/internal/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner/ami"
)

// The codes of notices about what an account was asked.
const (
	awsNotAsked    = "aws-not-asked"
	awsUnknown     = "aws-image-unknown"
	awsNotAnswered = "aws-snapshot-incomplete"
)

// account is what is asked of AWS for one scan: the account itself with --aws, or what it once answered. The first tree
// asks; a base or a changed tree is judged by the same answers, so that no difference between two trees is one of time.
type account struct {
	live     bool   // --aws
	file     string // --aws-snapshot: written with live, read without
	strange  bool   // the tree is what somebody else proposes
	getenv   func(string) string
	snapshot *lookup.Snapshot
	fallback []string // regions for what the code names none for
	asked    bool
}

// account returns what the flags ask for; nil where they ask nothing.
func (a *app) account(opts *scanOptions) (*account, error) {
	if !opts.aws && opts.awsSnapshot == "" {
		return nil, nil //nolint:nilnil // nothing is asked, which is no mistake
	}
	if opts.aws && opts.offline {
		return nil, usage("--aws-snapshot FILE judges by what AWS answered earlier", "--aws can't be used with --offline")
	}
	c := &account{live: opts.aws, file: opts.awsSnapshot, strange: opts.proposal || opts.memoryReadOnly, getenv: a.getenv}
	if c.live {
		return c, nil
	}
	var err error
	if c.snapshot, err = lookup.ReadSnapshot(c.file); err != nil {
		return nil, usage("trifecta scan --aws --aws-snapshot FILE writes one", "--aws-snapshot: %w", err)
	}
	for _, r := range c.snapshot.Regions {
		c.fallback = append(c.fallback, r.Name)
	}
	return c, nil
}

// hasAnswers reports whether AWS has answered, now or earlier.
func (c *account) hasAnswers() bool { return c != nil && c.snapshot != nil }

// look returns what AWS knows of the references of a tree, and what it could not be asked. An error is that of a file.
func (c *account) look(ctx context.Context, w *world) (map[inventory.ID]ami.Answer, []inventory.Notice, error) {
	if c == nil {
		return nil, nil, nil
	}
	first := !c.asked
	c.asked = true
	regions := regionsOf(w)
	if c.live && first {
		if c.strange {
			return nil, []inventory.Notice{{Code: awsNotAsked, Message: "AWS is not asked about a tree that somebody proposes or that comes from a fork; --aws is for trees that you trust"}}, nil
		}
		if reason, err := c.ask(ctx, w.machines, regions); err != nil || reason != "" {
			return nil, []inventory.Notice{{Code: awsNotAsked, Message: "AWS was not asked: " + reason}}, err
		}
	}
	if c.snapshot == nil {
		return nil, nil, nil
	}
	if len(regions) == 0 {
		regions = c.fallback
	}
	j := &answers{snapshot: c.snapshot, of: map[inventory.ID]ami.Answer{}}
	for i := range w.machines {
		j.reference(&w.machines[i], regions)
	}
	j.refusals()
	if !first { // they were said of the first tree
		j.notices = nil
	}
	return j.of, j.notices, nil
}

// ask asks the account and keeps the snapshot. reason says why it could not be asked.
func (c *account) ask(ctx context.Context, refs []machine.Reference, regions []string) (reason string, err error) {
	client, err := lookup.Open(ctx, lookup.Options{Getenv: c.getenv, Now: time.Now})
	if err != nil {
		return err.Error(), nil //nolint:nilerr // an account that can't be asked is a notice of the scan, not its end
	}
	if client.Region() != "" {
		c.fallback = []string{client.Region()}
	}
	if len(regions) == 0 {
		regions = c.fallback
	}
	q := lookup.Question{Images: map[string][]string{}, Parameters: map[string][]string{}}
	lost := false
	for i := range refs {
		kind, in := askable(&refs[i]), in(&refs[i], regions)
		lost = lost || kind != 0 && len(in) == 0
		for _, region := range in {
			switch kind {
			case 'i':
				q.Images[region] = append(q.Images[region], string(refs[i].ID))
			case 'p':
				q.Parameters[region] = append(q.Parameters[region], string(refs[i].ID))
			}
		}
	}
	if lost && len(q.Images)+len(q.Parameters) == 0 {
		return "the code names no region, and neither does AWS_REGION", nil
	}
	if c.snapshot, err = client.Ask(ctx, q); err != nil {
		return "", &exitError{code: exitUnable, err: err}
	}
	if c.file == "" {
		return "", nil
	}
	if err := lookup.WriteSnapshot(c.file, c.snapshot); err != nil {
		return "", &exitError{code: exitUnable, err: fmt.Errorf("--aws-snapshot: %w", err)}
	}
	return "", nil
}

// askable says what a reference is to AWS: 'i' an image's id, 'p' a public parameter, 0 neither.
func askable(r *machine.Reference) byte {
	switch {
	case r.Placeholder:
		return 0
	case strings.HasPrefix(string(r.ID), "ami-"):
		return 'i'
	case r.Form == machine.Parameter:
		return 'p'
	}
	return 0
}

// in returns the regions in which a reference is looked up: its own, else all that the code uses.
func in(r *machine.Reference, regions []string) []string {
	if r.Region != "" {
		return []string{r.Region}
	}
	return regions
}

// regionsOf returns the regions that a tree uses, sorted.
func regionsOf(w *world) []string {
	var regions []string
	for _, r := range w.resources {
		if r.Region != "" {
			regions = append(regions, r.Region)
		}
	}
	for i := range w.machines {
		if r := w.machines[i].Region; r != "" && !w.machines[i].InMap { // a map names all regions that there are
			regions = append(regions, r)
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// answers turns a snapshot into what the rules of machine images judge.
type answers struct {
	snapshot *lookup.Snapshot
	of       map[inventory.ID]ami.Answer
	notices  []inventory.Notice
	unsaid   int
}

// maxUnknown bounds the notices about single images; old maps of ids have hundreds that are gone.
const maxUnknown = 50

func (j *answers) reference(r *machine.Reference, regions []string) {
	kind := askable(r)
	if kind == 0 {
		return
	}
	var absent, missing []string
	for _, name := range in(r, regions) {
		region := j.snapshot.Region(name)
		id := string(r.ID)
		if region == nil {
			missing = append(missing, name)
			continue
		}
		if kind == 'p' {
			p := region.Parameter(id)
			switch {
			case p != nil && p.Exists && p.Image == "":
				return // it names no image, such as the release of one
			case p != nil && !p.Exists:
				absent = append(absent, name)
				continue
			case p != nil:
				id = p.Image
			}
		}
		if image := region.Image(id); image != nil {
			answer := ami.Answer{
				Name: image.Name, Owner: image.Owner, CreatedAt: image.CreatedAt, DeprecatedAt: image.DeprecatedAt,
				State: image.State, Newest: inventory.ID(image.Newest), Region: name, Series: lookup.Series(image.Name),
			}
			if kind == 'p' && (r.Moving || image.Newest == image.ID) {
				answer.Newest = "" // the path leads on by itself, or to the newest already
			}
			j.of[r.ID] = answer
			return
		}
		switch {
		case slices.Contains(region.Absent, id):
			absent = append(absent, name)
		case len(region.Refused) == 0:
			missing = append(missing, name)
		}
	}
	if len(absent) > 0 {
		why := "it is deregistered, of another region, or not shared with the account that was asked"
		if kind == 'p' {
			why = "it is withdrawn, of another region, or completed when the code runs"
		}
		j.unknown(awsUnknown, r, fmt.Sprintf("%s is not known in %s: %s", r.ID, strings.Join(absent, ", "), why))
	}
	if len(missing) > 0 {
		j.unknown(awsNotAnswered, r, fmt.Sprintf("the answers of AWS have nothing about %s in %s; ask anew with --aws", r.ID, strings.Join(missing, ", ")))
	}
}

func (j *answers) unknown(code string, r *machine.Reference, message string) {
	if len(j.notices) >= maxUnknown {
		j.unsaid++
		return
	}
	n := inventory.Notice{Code: code, Message: message}
	if len(r.Locations) > 0 {
		n.Location = &r.Locations[0]
	}
	j.notices = append(j.notices, n)
}

// refusals says which regions did not answer what, and how much was left unsaid.
func (j *answers) refusals() {
	if j.unsaid > 0 {
		j.notices = append(j.notices, inventory.Notice{Code: awsUnknown, Message: fmt.Sprintf("%d more machine images are not known to AWS", j.unsaid)})
	}
	by := map[lookup.Refusal][]string{}
	var order []lookup.Refusal
	for _, region := range j.snapshot.Regions {
		for _, refusal := range region.Refused {
			if by[refusal] == nil {
				order = append(order, refusal)
			}
			by[refusal] = append(by[refusal], region.Name)
		}
	}
	for _, refusal := range order {
		where := strings.Join(by[refusal], ", ")
		message := fmt.Sprintf("AWS did not answer %s in %s: %s", cmp.Or(refusal.Operation, "anything"), where, refusal.Code)
		switch {
		case refusal.Code == lookup.NoRegion:
			message = fmt.Sprintf("AWS was not asked about %q, which is no region", where)
		case refusal.Code == lookup.TooMuch:
			message = "AWS was not asked about all machine images of " + where + ", because there are too many"
		case refusal.Code == lookup.Failed:
			message = fmt.Sprintf("AWS did not answer %s in %s: no connection, or no answer that can be read", refusal.Operation, where)
		case strings.Contains(refusal.Code, "Unauthorized") || strings.Contains(refusal.Code, "AccessDenied"):
			message += "; allow it to the role of the scan"
		}
		j.notices = append(j.notices, inventory.Notice{Code: awsNotAsked, Message: message})
	}
}

// awsFiles are the variables that name files with credentials, or settings of them.
var awsFiles = []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}

// account gives the process what leads to an account, where --aws asks for one and the tree is nobody's proposal. Otherwise the
// process is told to ask none: a runner can have a role of its own, which needs no variable.
func (p *scanProcess) account(opts *scanOptions, trusted bool) {
	switch {
	case !opts.aws:
	case trusted:
		var files []string
		p.more, files = awsEnvironment(p.environ)
		p.policy.Read = append(p.policy.Read, files...)
		if p.answers = opts.awsSnapshot; p.answers == "" { // for the process that plans fixes, which asks nothing
			p.answers = filepath.Join(p.temp, "aws.json")
			p.args = slices.Insert(p.args, 1, "--aws-snapshot="+p.answers)
		}
	case !slices.Contains(p.args, "--proposal") && !opts.memoryReadOnly:
		p.args = slices.Insert(p.args, 1, "--aws=false")
		p.args = slices.DeleteFunc(p.args, func(arg string) bool { return arg == "--aws=true" })
	}
}

// awsEnvironment returns the variables of an environment that lead to an account, and the files that these name. They are for
// the scan of a tree that is nobody's proposal, where --aws asks for it.
func awsEnvironment(environ []string) (variables, files []string) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"):
			variables = append(variables, variable)
			if slices.Contains(awsFiles, name) && value != "" {
				files = append(files, value)
			}
		case name == "HOME" && value != "":
			files = append(files, filepath.Join(value, ".aws"))
		}
	}
	return variables, files
}
