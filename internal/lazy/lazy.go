// Package lazy puts off what most starts of the program do not need.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp compiles an expression where it is used first. Like regexp.MustCompile it panics where the expression is none.
func Regexp(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
