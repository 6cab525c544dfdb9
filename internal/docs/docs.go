// Package docs holds the tests of what is written beside the code: README, docs, changelog and examples. A command or
// an output that a document shows is run; where both have drifted apart, `make docs` writes the document anew.
package docs
