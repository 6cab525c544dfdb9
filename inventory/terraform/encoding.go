package terraform

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"  //nolint:gosec // the language has the function
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

// fnJSONEncode writes a value as JSON. Where a part of it is not known the text is not, but what it encodes is kept.
func fnJSONEncode(c *calling, args []*value) *value {
	return encode(c, args, stdlib.JSONEncodeFunc)
}

// fnYAMLEncode writes YAML and keeps what it was written from, as fnJSONEncode does.
func fnYAMLEncode(c *calling, args []*value) *value {
	return encode(c, args, yaml.YAMLEncodeFunc)
}

func encode(c *calling, args []*value, with function.Function) *value {
	if len(args) != 1 {
		return c.fail("wants one value")
	}
	if args[0].open || args[0].maybe {
		u := c.unknown(args...)
		if args[0].kind != kindUnknown {
			u.encoded = args[0]
			u.size += args[0].size
		}
		return u
	}
	v := fromCtyFunction(with)(c, args)
	if v.kind == kindString && args[0].kind != kindString {
		v = v.copied()
		v.encoded = args[0]
		v.size += args[0].size
	}
	return v.asSensitive(args[0].anySensitive(0))
}

// fnJSONDecode reads JSON; that of fnJSONEncode is the value again.
func fnJSONDecode(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one text")
	}
	if args[0].encoded != nil {
		return args[0].encoded
	}
	s, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	if nestsTooDeep(s) {
		return beyond(c.at, "JSON inside each other")
	}
	return fromCtyFunction(stdlib.JSONDecodeFunc)(c, args)
}

func fnYAMLDecode(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one text")
	}
	s, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	// Aliases of aliases make a small text a huge value, and cty-yaml has no bound of its own.
	if nestsTooDeep(s) || strings.Count(s, "*") > maxAliases && strings.Contains(s, "&") {
		return beyond(c.at, "YAML inside each other")
	}
	return fromCtyFunction(yaml.YAMLDecodeFunc)(c, args)
}

// maxAliases bounds the aliases of a YAML text that has anchors.
const maxAliases = 64

// nestsTooDeep reports whether a text has more brackets inside each other than a decoder that calls itself should see.
func nestsTooDeep(s string) bool {
	depth, deepest, indent := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		case '\n':
			n := 0
			for i+1+n < len(s) && (s[i+1+n] == ' ' || s[i+1+n] == '-') {
				n++
			}
			indent = max(indent, n)
		}
	}
	return deepest > maxNesting || indent > 20*maxNesting
}

func fnBase64Encode(c *calling, args []*value) *value {
	return c.onText(args, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })
}

func fnBase64Decode(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one text")
	}
	s, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(data) {
		return c.fail("the text is no base64 of a text")
	}
	return text(string(data), c.at)
}

func fnBase64Gzip(c *calling, args []*value) *value {
	return c.onText(args, func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(s)) // a buffer takes everything
		_ = w.Flush()             // as Terraform does, so that the text is the same
		_ = w.Close()
		return base64.StdEncoding.EncodeToString(b.Bytes())
	})
}

func fnBase64Gunzip(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one text")
	}
	s, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return c.fail("the text is no base64")
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return c.fail("the text is not compressed")
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil || !utf8.Valid(plain) {
		return c.fail("the text is not compressed text")
	}
	return text(string(plain), c.at)
}

// charset finds an encoding by its IANA name.
func charset(name string) encoding.Encoding {
	found, err := ianaindex.IANA.Encoding(name)
	if err != nil {
		return nil
	}
	return found
}

func fnTextEncodeBase64(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a text and an encoding")
	}
	s, ok1 := args[0].asText()
	name, ok2 := args[1].asText()
	if !ok1 || !ok2 {
		return c.unknown(args...)
	}
	enc := charset(name)
	if enc == nil {
		return c.fail("the encoding is not known")
	}
	data, err := enc.NewEncoder().Bytes([]byte(s))
	if err != nil {
		return c.fail("the text has characters that the encoding has not")
	}
	return text(base64.StdEncoding.EncodeToString(data), c.at)
}

func fnTextDecodeBase64(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a text and an encoding")
	}
	s, ok1 := args[0].asText()
	name, ok2 := args[1].asText()
	if !ok1 || !ok2 {
		return c.unknown(args...)
	}
	enc := charset(name)
	data, err := base64.StdEncoding.DecodeString(s)
	if enc == nil || err != nil {
		return c.fail("the text is no base64, or the encoding is not known")
	}
	plain, err := enc.NewDecoder().Bytes(data)
	if err != nil {
		return c.fail("the text is not in the encoding")
	}
	return text(string(plain), c.at)
}

func fnURLEncode(c *calling, args []*value) *value { return c.onText(args, url.QueryEscape) }

func fnURLDecode(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one text")
	}
	s, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return c.fail("the text is not encoded")
	}
	return text(plain, c.at)
}

// hashing is one hash function with the form of its result.
type hashing struct {
	make func() hash.Hash
	form func([]byte) string
}

// hashes are the functions NAME and fileNAME.
var hashes = map[string]hashing{
	"md5":          {md5.New, hex.EncodeToString},
	"sha1":         {sha1.New, hex.EncodeToString},
	"sha256":       {sha256.New, hex.EncodeToString},
	"sha512":       {sha512.New, hex.EncodeToString},
	"base64sha256": {sha256.New, base64.StdEncoding.EncodeToString},
	"base64sha512": {sha512.New, base64.StdEncoding.EncodeToString},
}

func (h hashing) sum(data []byte) string {
	sum := h.make()
	_, _ = sum.Write(data) // a hash takes everything
	return h.form(sum.Sum(nil))
}

func (h hashing) ofText(c *calling, args []*value) *value {
	return c.onText(args, func(s string) string { return h.sum([]byte(s)) })
}

func (h hashing) ofFile(c *calling, args []*value) *value {
	data, failed := c.readArgument(args)
	if failed != nil {
		return failed
	}
	return text(h.sum(data), c.at)
}

// namespaces are those that uuidv5 knows by name (RFC 9562, section 6.6).
var namespaces = map[string]uuid.UUID{"dns": uuid.NameSpaceDNS, "url": uuid.NameSpaceURL, "oid": uuid.NameSpaceOID, "x500": uuid.NameSpaceX500}

func fnUUIDv5(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a namespace and a name")
	}
	space, ok1 := args[0].asText()
	name, ok2 := args[1].asText()
	if !ok1 || !ok2 {
		return c.unknown(args...)
	}
	id, known := namespaces[space]
	if !known {
		parsed, err := uuid.Parse(space)
		if err != nil {
			return c.fail("the namespace is not known")
		}
		id = parsed
	}
	return text(uuid.NewSHA1(id, []byte(name)).String(), c.at)
}

func fnTimeCmp(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants two times")
	}
	var times [2]time.Time
	for i, arg := range args {
		s, ok := arg.asText()
		if !ok {
			return c.unknownOrFail(arg, args)
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return c.fail("wants times as RFC 3339 has them")
		}
		times[i] = t
	}
	return integer(times[0].Compare(times[1]), c.at)
}
