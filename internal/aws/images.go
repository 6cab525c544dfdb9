package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

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

	newest, newestName string
}

// kept returns what a snapshot keeps. Who owns an image that is not public is the account's own affair.
func (i image) kept() Image {
	owner := cmp.Or(i.OwnerAlias, i.OwnerID)
	if !i.Public {
		owner = ""
	}
	return Image{ID: i.ID, Name: i.Name, Owner: owner, State: i.State, CreatedAt: day(i.Created), DeprecatedAt: day(i.Deprecated), Newest: i.newest, NewestName: i.newestName}
}

// day returns the day of a time, such as 2026-01-31T10:00:00.000Z; empty where it is none.
func day(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// query returns the question of an operation of EC2 with its filters
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html).
func query(operation string, filters ...Filter) url.Values {
	v := url.Values{"Action": {operation}, "Version": {"2016-11-15"}, "MaxResults": {"1000"}}
	for i, f := range filters {
		name := fmt.Sprintf("Filter.%d.", i+1)
		v.Set(name+"Name", f.Name)
		list(v, name+"Value.", f.Values)
	}
	return v
}

func list(v url.Values, name string, values []string) {
	for i, value := range values {
		v.Set(name+strconv.Itoa(i+1), value)
	}
}

func imagesBy(deprecated bool, filters ...Filter) url.Values {
	v := query("DescribeImages", filters...)
	v.Set("IncludeDeprecated", strconv.FormatBool(deprecated))
	return v
}

// imagesByID asks by a filter: where ids are named as such, one that is gone makes AWS answer for none of them.
func imagesByID(ids []string) url.Values {
	v := imagesBy(true, Filter{"image-id", ids})
	v.Set("IncludeDisabled", "true")
	return v
}

func imagesOfSeries(owner, pattern string) url.Values {
	v := imagesBy(false, Filter{"name", []string{pattern}}, Filter{"state", []string{"available"}})
	v.Set("Owner.1", owner)
	return v
}

// images asks DescribeImages, all pages of it
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html).
func (s *service) images(ctx context.Context, form url.Values) ([]image, error) {
	var all []image
	err := s.pages(ctx, form, func(data []byte) (string, error) {
		page, next, err := parseImages(data)
		all = append(all, page...)
		return next, err
	})
	return all, err
}

// pages asks a question to EC2 until there is no next page. read returns the token of the next one.
func (s *service) pages(ctx context.Context, form url.Values, read func([]byte) (string, error)) error {
	for range maxPages {
		data, err := s.web.Do(ctx, http.MethodPost, s.address, formBody, []byte(form.Encode()))
		if err != nil {
			return err
		}
		next, err := read(data)
		if err != nil || next == "" {
			return err
		}
		form.Set("NextToken", next)
	}
	return errPages
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

// Key is what a search is known by in a snapshot: equal searches have equal keys.
func (s Search) Key() string {
	data, err := json.Marshal(s)
	if err != nil {
		return "" // strings and lists of them can be written
	}
	return string(data)
}

// search asks what searches find today, as Terraform would, and returns the images.
func (r *Region) search(ctx context.Context, ec2 *service, searches []Search) []image {
	var full []image
	for i, s := range searches {
		if i >= maxSeries {
			r.refuse(describeImages, TooMuch)
			break
		}
		if r.Search(s) != nil {
			continue
		}
		form := imagesBy(s.Deprecated, s.Filters...)
		list(form, "Owner.", s.Owners)
		list(form, "ExecutableBy.", s.Executable)
		found, err := ec2.images(ctx, form)
		if err != nil {
			r.refuse(describeImages, code(err))
			if errors.Is(err, errPages) {
				continue // the next one may find less
			}
			break
		}
		if s.NameRegex != "" {
			expression, err := regexp.Compile(s.NameRegex)
			if err != nil {
				r.refuse(describeImages, BadPattern)
				continue
			}
			found = slices.DeleteFunc(found, func(i image) bool { return !expression.MatchString(i.Name) })
		}
		answer := Found{Search: s, Count: len(found)}
		if len(found) > 0 {
			newest := slices.MaxFunc(found, func(a, b image) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(b.ID, a.ID)) })
			answer.Image = newest.ID
			full = append(full, newest)
		}
		r.Searches = append(r.Searches, answer)
	}
	slices.SortFunc(r.Searches, func(a, b Found) int { return cmp.Compare(a.Search.Key(), b.Search.Key()) })
	return full
}
