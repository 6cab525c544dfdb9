package terraform

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// tooDeep reports where a file nests deeper than maxNesting, before hcl's parser, which calls itself for each level and
// can't be stopped, sees it. Levels are brackets and templates, and operators, conditions and indexes that follow each
// other without a separator, because each of them makes the syntax tree one level deeper.
func tooDeep(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	type level struct {
		open  hclsyntax.TokenType
		links int // operators since the last separator
	}
	levels := make([]level, 1, 64)
	total, directives := 0, 0
	for i, token := range tokens {
		top := &levels[len(levels)-1]
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			if token.Type == hclsyntax.TokenTemplateControl && i+1 < len(tokens) {
				switch string(tokens[i+1].Bytes) {
				case "if", "for":
					directives++
				case "endif", "endfor":
					directives = max(directives-1, 0)
				}
			}
			if token.Type == hclsyntax.TokenOBrack {
				top.links++
				total++
			}
			levels = append(levels, level{open: token.Type})
			total++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			if len(levels) > 1 {
				total -= 1 + top.links
				levels = levels[:len(levels)-1]
			}
		case hclsyntax.TokenComma:
			total -= top.links
			top.links = 0
		case hclsyntax.TokenNewline:
			if top.open == hclsyntax.TokenOBrace || len(levels) == 1 {
				total -= top.links
				top.links = 0
			}
		case hclsyntax.TokenQuestion, hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan,
			hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq:
			top.links++
			total++
		}
		if total+directives > maxNesting {
			return token.Range, true
		}
	}
	return hcl.Range{}, false
}

// tokensWithin bounds what the scanner makes of data: a rough count of its tokens, from above, in one cheap pass.
func tokensWithin(data []byte) bool {
	const (
		space = iota
		word
	)
	n, in := 0, space
	for _, c := range data {
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			in = space
		case c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80:
			if in != word {
				n++
			}
			in = word
		default:
			n++
			in = space
		}
	}
	return n <= maxTokens
}

// flat reports that a text can't nest deeper than maxNesting, because it does not have that many characters which nest.
// Most files are flat, and need not be scanned twice.
func flat(data []byte) bool {
	n := 0
	for _, c := range data {
		switch c {
		case '(', '[', '{', '"', '<', '>', '?', '!', '-', '+', '*', '/', '%', '&', '|', '=':
			n++
		}
	}
	return n <= maxNesting
}

// depthError says where a file nests too deep.
type depthError struct{ at hcl.Range }

func (e *depthError) Error() string {
	return fmt.Sprintf("brackets or operators are more than %d deep at line %d", maxNesting, e.at.Start.Line)
}

// parseBody parses native syntax within the limits.
func parseBody(data []byte, name string) (*hclsyntax.Body, hcl.Diagnostics, error) {
	if !tokensWithin(data) {
		return nil, nil, fmt.Errorf("it has more than %d tokens", maxTokens)
	}
	start := hcl.Pos{Line: 1, Column: 1}
	if !flat(data) {
		tokens, _ := hclsyntax.LexConfig(data, name, start)
		if at, deep := tooDeep(tokens); deep {
			return nil, nil, &depthError{at}
		}
	}
	file, diags := hclsyntax.ParseConfig(data, name, start)
	if file == nil {
		return nil, diags, fmt.Errorf("it is no configuration")
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, diags, fmt.Errorf("it is no configuration")
	}
	return body, diags, nil
}

// parseTemplate parses a template within the limits.
func parseTemplate(data []byte, name string, start hcl.Pos) (hclsyntax.Expression, hcl.Diagnostics, error) {
	if !tokensWithin(data) {
		return nil, nil, fmt.Errorf("it has more than %d tokens", maxTokens)
	}
	if !flat(data) {
		tokens, _ := hclsyntax.LexTemplate(data, name, start)
		if at, deep := tooDeep(tokens); deep {
			return nil, nil, &depthError{at}
		}
	}
	x, diags := hclsyntax.ParseTemplate(data, name, start)
	return x, diags, nil
}
