package aws

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// The operations, as AWS names them.
const (
	describeImages    = "ec2:DescribeImages"
	getImageFindings  = "ec2:GetImageFindings"
	describeInstances = "ec2:DescribeInstances"
	getParameters     = "ssm:GetParameters"
	patchStates       = "ssm:DescribeInstancePatchStates"
	patchGroupStates  = "ssm:DescribeInstancePatchStatesForPatchGroup"
	patchGroups       = "ssm:DescribePatchGroups"
	clusterVersions   = "eks:DescribeClusterVersions"
	listFindings      = "inspector2:ListFindings"
)

// Operations are all that Ask asks, as a policy names them. None of them changes anything.
var Operations = []string{
	describeImages, getImageFindings, describeInstances, getParameters, patchStates, patchGroupStates, patchGroups, clusterVersions, listFindings,
}

// service is one service of one region.
type service struct {
	web     *web.Client
	address string
}

// The types of bodies: of EC2, of SSM, and of services that speak JSON by paths.
const (
	formBody   = "application/x-www-form-urlencoded; charset=utf-8"
	targetBody = "application/x-amz-json-1.1"
	jsonBody   = "application/json"
)

// targetKey is the key of a context under which a request has the name of its operation, which SSM wants in a header.
type targetKey struct{}

// post asks an operation of SSM (https://docs.aws.amazon.com/systems-manager/latest/APIReference/) and reads the answer.
func (s *service) post(ctx context.Context, operation string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("write the question: %w", err)
	}
	ctx = context.WithValue(ctx, targetKey{}, "AmazonSSM."+strings.TrimPrefix(operation, "ssm:"))
	data, err := s.web.Do(ctx, http.MethodPost, s.address, targetBody, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", operation, err)
	}
	return nil
}

// service returns the client of a service. One that is throttled waits by itself, so that others go on.
func (c *Client) service(name, region string) *service {
	s := &signing{base: c.opts.Base, credentials: c.config.Credentials, signer: v4.NewSigner(), service: name, region: region, now: c.opts.Now}
	configured := cmp.Or(c.opts.Getenv("AWS_ENDPOINT_URL_"+strings.ToUpper(name)), sdk.ToString(c.config.BaseEndpoint))
	return &service{
		web:     web.New(web.Options{Transport: s, Tries: 6, Timeout: 20 * time.Second, MaxBody: 16 << 20, Sleep: c.opts.Sleep}),
		address: strings.TrimSuffix(cmp.Or(configured, "https://"+name+"."+region+"."+domain(region)), "/") + "/",
	}
}

// domain returns the domain of a region's partition (https://docs.aws.amazon.com/general/latest/gr/rande.html).
func domain(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-iso-"):
		return "c2s.ic.gov"
	case strings.HasPrefix(region, "us-isob-"):
		return "sc2s.sgov.gov"
	case strings.HasPrefix(region, "eusc-"):
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}

// signing is a transport that signs each try anew (Signature Version 4).
type signing struct {
	base            http.RoundTripper
	credentials     sdk.CredentialsProvider
	signer          *v4.Signer
	service, region string
	now             func() time.Time
}

// RoundTrip sends a signed copy of the request. An answer that says in its body that there were too many requests gets the
// status that says so as well, because SSM says 400 there and the one client knows statuses only.
func (s *signing) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("read the question: %w", err)
		}
	}
	next := req.Clone(req.Context())
	next.Body, next.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		next.Body = io.NopCloser(bytes.NewReader(body))
	}
	if target, ok := req.Context().Value(targetKey{}).(string); ok {
		next.Header.Set("X-Amz-Target", target)
	}
	credentials, err := s.credentials.Retrieve(req.Context())
	if err != nil {
		return nil, ErrNoCredentials
	}
	sum := sha256.Sum256(body)
	if err := s.signer.SignHTTP(req.Context(), credentials, next, hex.EncodeToString(sum[:]), s.service, s.region, s.now()); err != nil {
		return nil, fmt.Errorf("sign the question: %w", err)
	}
	res, err := s.base.RoundTrip(next)
	if err == nil && s.service == "ebs" && res.StatusCode == http.StatusOK {
		return checked(res)
	}
	if err != nil || res.StatusCode < http.StatusBadRequest {
		return res, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if m := codeHeader().FindString(res.Header.Get("X-Amzn-Errortype")); m != "" { // services that speak JSON by paths
		text = []byte(`{"__type":"` + m + `"}`)
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	if res.StatusCode == http.StatusBadRequest && throttled().MatchString(codeOf(string(text))) {
		res.StatusCode = http.StatusTooManyRequests
	}
	return res, nil
}

var (
	throttled  = lazy.Regexp(`Throttl|RequestLimitExceeded|TooManyRequests|SlowDown`)
	codeHeader = lazy.Regexp(`^[A-Za-z0-9.]+`)
	codeXML    = lazy.Regexp(`<Code>\s*([A-Za-z0-9.]+)\s*</Code>`)
	codeJSON   = lazy.Regexp(`"(?:__type|code)"\s*:\s*"(?:[^"#]*#)?([A-Za-z0-9.]+)`)
)

// codeOf returns the code of an answer that is an error, in XML or JSON.
func codeOf(text string) string {
	for _, form := range []*regexp.Regexp{codeXML(), codeJSON()} {
		if m := form.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}

// code returns AWS's code of an error. The rest of its message stays out, because it names users and accounts.
func code(err error) string {
	var status *web.StatusError
	if errors.As(err, &status) {
		return cmp.Or(codeOf(status.Body), strconv.Itoa(status.Status))
	}
	if errors.Is(err, errPages) {
		return TooMuch
	}
	return Failed
}

// errPages says that an answer has more pages than are read.
var errPages = errors.New("more pages than are read")
