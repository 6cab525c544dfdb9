package aws

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// The operations, as AWS names them.
const (
	describeImages = "ec2:DescribeImages"
	getParameters  = "ssm:GetParameters"
)

// service is one service of one region.
type service struct {
	web     *web.Client
	address string
}

// service returns the client of a service. One that is throttled waits by itself, so that others go on.
func (c *Client) service(name, region string) *service {
	s := &signing{base: c.opts.Base, credentials: c.config.Credentials, signer: v4.NewSigner(), service: name, region: region, now: c.opts.Now}
	configured := cmp.Or(c.opts.Getenv("AWS_ENDPOINT_URL_"+strings.ToUpper(name)), sdk.ToString(c.config.BaseEndpoint))
	return &service{
		web:     web.New(web.Options{Transport: s, Tries: 6, Timeout: 20 * time.Second, MaxBody: 16 << 20, Sleep: c.opts.Sleep}),
		address: cmp.Or(configured, "https://"+name+"."+region+"."+domain(region)) + "/",
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
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read the question: %w", err)
	}
	next := req.Clone(req.Context())
	next.Body, next.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if s.service == "ssm" {
		next.Header.Set("X-Amz-Target", "AmazonSSM.GetParameters")
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
	if err != nil || res.StatusCode != http.StatusBadRequest {
		return res, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	if throttled.MatchString(codeOf(string(text))) {
		res.StatusCode = http.StatusTooManyRequests
	}
	return res, nil
}

var (
	throttled = regexp.MustCompile(`Throttl|RequestLimitExceeded|TooManyRequests|SlowDown`)
	codeXML   = regexp.MustCompile(`<Code>\s*([A-Za-z0-9.]+)\s*</Code>`)
	codeJSON  = regexp.MustCompile(`"(?:__type|code)"\s*:\s*"(?:[^"#]*#)?([A-Za-z0-9.]+)`)
)

// codeOf returns the code of an answer that is an error, in XML or JSON.
func codeOf(text string) string {
	for _, form := range []*regexp.Regexp{codeXML, codeJSON} {
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
	return Failed
}

// image is an answer of DescribeImages.
type image struct {
	ID           string `xml:"imageId"`
	Name         string `xml:"name"`
	OwnerID      string `xml:"imageOwnerId"`
	OwnerAlias   string `xml:"imageOwnerAlias"`
	Public       bool   `xml:"isPublic"`
	State        string `xml:"imageState"`
	Created      string `xml:"creationDate"`
	Deprecated   string `xml:"deprecationTime"`
	Architecture string `xml:"architecture"`

	newest string
}

// kept returns what a snapshot keeps. Who owns an image that is not public is the account's own affair.
func (i image) kept() Image {
	owner := cmp.Or(i.OwnerAlias, i.OwnerID)
	if !i.Public {
		owner = ""
	}
	return Image{ID: i.ID, Name: i.Name, Owner: owner, State: i.State, CreatedAt: day(i.Created), DeprecatedAt: day(i.Deprecated), Newest: i.newest}
}

// day returns the day of a time, such as 2026-01-31T10:00:00.000Z; empty where it is none.
func day(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func filters(pairs ...[]string) url.Values {
	v := url.Values{"Action": {"DescribeImages"}, "Version": {"2016-11-15"}, "IncludeDeprecated": {"true"}, "MaxResults": {"1000"}}
	for i, pair := range pairs {
		name := fmt.Sprintf("Filter.%d.", i+1)
		v.Set(name+"Name", pair[0])
		for k, value := range pair[1:] {
			v.Set(name+"Value."+strconv.Itoa(k+1), value)
		}
	}
	return v
}

// imagesByID asks by a filter: where ids are named as such, one that is gone makes AWS answer for none of them.
func imagesByID(ids []string) url.Values {
	v := filters(append([]string{"image-id"}, ids...))
	v.Set("IncludeDisabled", "true")
	return v
}

func imagesOfSeries(owner, pattern string) url.Values {
	v := filters([]string{"name", pattern}, []string{"state", "available"})
	v.Set("Owner.1", owner)
	v.Set("IncludeDeprecated", "false")
	return v
}

// images asks DescribeImages, all pages of it
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html).
func (s *service) images(ctx context.Context, form url.Values) ([]image, error) {
	var all []image
	for range maxPages {
		data, err := s.web.Do(ctx, http.MethodPost, s.address, "application/x-www-form-urlencoded; charset=utf-8", []byte(form.Encode()))
		if err != nil {
			return nil, err
		}
		page, next, err := parseImages(data)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		form.Set("NextToken", next)
	}
	return nil, fmt.Errorf("more than %d pages", maxPages)
}

func parseImages(data []byte) ([]image, string, error) {
	var page struct {
		XMLName xml.Name `xml:"DescribeImagesResponse"`
		Images  []image  `xml:"imagesSet>item"`
		Next    string   `xml:"nextToken"`
	}
	if err := xml.Unmarshal(data, &page); err != nil {
		return nil, "", fmt.Errorf("read the images: %w", err)
	}
	return page.Images, page.Next, nil
}

// parameters asks GetParameters for at most ten names
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html).
func (s *service) parameters(ctx context.Context, names []string) ([]Parameter, error) {
	body, err := json.Marshal(map[string]any{"Names": names})
	if err != nil {
		return nil, fmt.Errorf("write the question: %w", err)
	}
	data, err := s.web.Do(ctx, http.MethodPost, s.address, "application/x-amz-json-1.1", body)
	if err != nil {
		return nil, err
	}
	return parseParameters(data, names)
}

// parseParameters returns each of the names with the image that it leads to. The value is an id, or JSON with one.
func parseParameters(data []byte, names []string) ([]Parameter, error) {
	var answer struct {
		Parameters []struct{ Name, Value string }
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	out := make([]Parameter, 0, len(names))
	for _, name := range names {
		p := Parameter{Name: name}
		for _, a := range answer.Parameters {
			if a.Name == name {
				p.Exists, p.Image = true, imageIn.FindString(a.Value)
			}
		}
		out = append(out, p)
	}
	return out, nil
}
