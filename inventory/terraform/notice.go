package terraform

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// notices collects what could not be evaluated, each place once for each code.
type notices struct {
	all   []inventory.Notice
	seen  map[noticeKey]int
	quiet int // names that are not declared are not told while it is not 0: try and can ask for them
}

type noticeKey struct {
	code, path string
	line       int
}

// undeclared is the code of names that lead nowhere.
const undeclared = "terraform-undeclared"

// maxNotices bounds the notices of one code; one more says how many were left out.
const maxNotices = 200

func (n *notices) add(code string, at inventory.Location, message string) {
	if n.quiet > 0 && code == undeclared || strings.HasPrefix(at.Path, builtinPrefix) {
		return
	}
	if n.seen == nil {
		n.seen = map[noticeKey]int{}
	}
	key := noticeKey{code, at.Path, at.Line}
	if n.seen[key]++; n.seen[key] > 1 {
		return
	}
	if n.seen[noticeKey{code: code}]++; n.seen[noticeKey{code: code}] > maxNotices {
		return
	}
	n.all = append(n.all, inventory.Notice{Code: code, Message: message, Location: &at})
}
