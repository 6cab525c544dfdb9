package terraform

import (
	"path"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// fnFormat keeps the parts of a text of which some are unknown, where the format has only plain verbs.
func fnFormat(c *calling, args []*value) *value {
	if len(args) == 0 {
		return c.fail("wants a format")
	}
	format, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	if failed := boundedFormat(c, format); failed != nil {
		return failed
	}
	open := false
	for _, arg := range args {
		open = open || arg.open || arg.maybe
	}
	if !open {
		return fromCtyFunction(stdlib.FormatFunc)(c, args)
	}
	// Between plain verbs the text is known, and each of them stands for the next argument.
	var parts []*value
	rest, next := format, 1
	for {
		before, after, found := strings.Cut(rest, "%")
		if before != "" {
			parts = append(parts, text(before, args[0].at))
		}
		if !found {
			break
		}
		if after == "" {
			return c.fail("the format ends with %")
		}
		switch {
		case after[0] == '%':
			parts = append(parts, text("%", args[0].at))
		case (after[0] == 's' || after[0] == 'v' || after[0] == 'd') && next < len(args):
			parts = append(parts, args[next])
			next++
		default:
			return c.unknown(args...)
		}
		rest = after[1:]
	}
	for _, p := range parts {
		if _, ok := p.asText(); !ok && p.kind != kindUnknown {
			return c.unknown(args...)
		}
	}
	return c.e.concatenated(parts, c.at)
}

// verbWidth finds widths and precisions.
var verbWidth = regexp.MustCompile(`%[^%a-zA-Z]*?(\d{4,})`)

// boundedFormat refuses formats that make long texts of nothing.
func boundedFormat(c *calling, format string) *value {
	if verbWidth.MatchString(format) {
		return beyond(c.at, "a format with a width above 999")
	}
	return nil
}

func fnFormatList(c *calling, args []*value) *value {
	if len(args) == 0 {
		return c.fail("wants a format")
	}
	n := -1
	for _, arg := range args[1:] {
		elements, ok := c.listArgument(arg)
		if !ok || arg.kind == kindUnknown && len(arg.unknown.candidates) == 0 {
			continue
		}
		if arg.kind != kindList {
			return c.unknown(args...)
		}
		for _, e := range elements {
			if e.rest {
				return c.unknown(args...)
			}
		}
		if n >= 0 && n != len(elements) {
			return c.fail("the lists have different lengths")
		}
		n = len(elements)
	}
	if n < 0 {
		for _, arg := range args {
			if arg.open {
				return c.unknown(args...)
			}
		}
		v := fnFormat(c, args)
		if v.failed() {
			return v
		}
		return list(collection, []*value{v}, c.at)
	}
	all := make([]*value, n)
	for i := range all {
		inner := make([]*value, len(args))
		copy(inner, args)
		var why *value
		for j, arg := range args[1:] {
			if arg.kind == kindList {
				inner[j+1] = arg.list[i].sure()
				if arg.list[i].maybe {
					why = arg.list[i]
				}
			}
		}
		all[i] = fnFormat(c, inner)
		if all[i].failed() {
			return all[i]
		}
		if why != nil {
			all[i] = all[i].asMaybe(why.maybeWhy)
		}
	}
	return list(collection, all, c.at)
}

// headOf returns the known beginning of a text, tailOf its known end.
func headOf(v *value) (string, bool) {
	if s, ok := v.asText(); ok {
		return s, true
	}
	if v.kind == kindUnknown && len(v.unknown.parts) > 0 {
		s, ok := v.unknown.parts[0].asText()
		return s, ok
	}
	return "", false
}

func tailOf(v *value) (string, bool) {
	if s, ok := v.asText(); ok {
		return s, true
	}
	if v.kind == kindUnknown && len(v.unknown.parts) > 0 {
		s, ok := v.unknown.parts[len(v.unknown.parts)-1].asText()
		return s, ok
	}
	return "", false
}

func fnStartsWith(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a text and a prefix")
	}
	prefix, ok := args[1].asText()
	if !ok {
		return c.unknownOrFail(args[1], args)
	}
	if s, ok := args[0].asText(); ok {
		return boolean(strings.HasPrefix(s, prefix), c.at)
	}
	if head, ok := headOf(args[0]); ok && (len(head) >= len(prefix) || !strings.HasPrefix(prefix, head)) {
		return boolean(strings.HasPrefix(head, prefix), c.at)
	}
	return c.unknownOrFail(args[0], args)
}

func fnEndsWith(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a text and a suffix")
	}
	suffix, ok := args[1].asText()
	if !ok {
		return c.unknownOrFail(args[1], args)
	}
	if s, ok := args[0].asText(); ok {
		return boolean(strings.HasSuffix(s, suffix), c.at)
	}
	if tail, ok := tailOf(args[0]); ok && (len(tail) >= len(suffix) || !strings.HasSuffix(suffix, tail)) {
		return boolean(strings.HasSuffix(tail, suffix), c.at)
	}
	return c.unknownOrFail(args[0], args)
}

func fnStrContains(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants two texts")
	}
	s, ok1 := args[0].asText()
	sub, ok2 := args[1].asText()
	if ok1 && ok2 {
		return boolean(strings.Contains(s, sub), c.at)
	}
	for _, arg := range args {
		if arg.kind == kindUnknown {
			return c.unknown(args...)
		}
	}
	return c.fail("wants texts")
}

func fnReplace(c *calling, args []*value) *value {
	if len(args) != 3 {
		return c.fail("wants a text, what to replace and with what")
	}
	s, ok1 := args[0].asText()
	old, ok2 := args[1].asText()
	replacement, ok3 := args[2].asText()
	if !ok1 || !ok2 || !ok3 {
		return c.over(args, func(args []*value) *value { return fnReplace(c, args) })
	}
	if len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' {
		v := fromCtyFunction(stdlib.RegexReplaceFunc)(c, []*value{args[0], text(old[1:len(old)-1], c.at), args[2]})
		return v
	}
	if n := strings.Count(s, old); n*len(replacement) > maxText {
		return beyond(c.at, "a text of too many bytes")
	}
	return text(strings.ReplaceAll(s, old, replacement), c.at)
}

func fnBasename(c *calling, args []*value) *value {
	if len(args) == 1 {
		if tail, ok := tailOf(args[0]); ok && strings.Contains(strings.TrimRight(tail, "/"), "/") {
			return text(path.Base(tail), c.at)
		}
	}
	return c.onText(args, path.Base)
}

func fnDirname(c *calling, args []*value) *value { return c.onText(args, path.Dir) }

// onText applies do to the one argument.
func (c *calling) onText(args []*value, do func(string) string) *value {
	if len(args) != 1 {
		return c.fail("wants one text")
	}
	s, ok := args[0].asText()
	if !ok {
		if args[0].kind != kindUnknown {
			return c.fail("wants a text")
		}
		return c.over(args, func(args []*value) *value { return c.onText(args, do) })
	}
	return text(do(s), c.at)
}
