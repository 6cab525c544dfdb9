package main

import (
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/ami"
	"github.com/trifecta-scanner/trifecta/scanner/cloud"
	"github.com/trifecta-scanner/trifecta/scanner/exposure"
	"github.com/trifecta-scanner/trifecta/scanner/infra"
	"github.com/trifecta-scanner/trifecta/scanner/license"
)

// ruleLists are the rules of every scanner of ours. An id in the configuration that looks like a rule and is in none
// of them is a mistake.
var ruleLists = [][]scanner.Rule{license.Rules, infra.Rules(), cloud.Rules(), ami.Rules, exposure.Rules}

// knownRules returns the ids of all rules of ours.
func knownRules() []string {
	var ids []string
	for _, list := range ruleLists {
		for _, rule := range list {
			ids = append(append(ids, rule.ID), rule.Aliases...)
		}
	}
	return ids
}
