package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What lies in another selected directory is not read a second time; a pattern is read for itself.
func TestDedupe(t *testing.T) {
	plain := func(path string) selector { return selector{path: path} }
	followed := selector{path: "/a/link", follow: true}
	some := selector{path: "/a/b", include: []string{"*.sh"}}
	for name, c := range map[string]struct{ list, want []selector }{
		"sorted":                     {[]selector{plain("/b"), plain("/a")}, []selector{plain("/a"), plain("/b")}},
		"twice":                      {[]selector{plain("/a"), plain("/a")}, []selector{plain("/a")}},
		"below":                      {[]selector{plain("/a/b/c"), plain("/a")}, []selector{plain("/a")}},
		"a name that begins alike":   {[]selector{plain("/ab"), plain("/a")}, []selector{plain("/a"), plain("/ab")}},
		"everything":                 {[]selector{plain("/a"), plain("/")}, []selector{plain("/")}},
		"a link that is followed":    {[]selector{followed, plain("/a")}, []selector{plain("/a"), followed}},
		"a pattern":                  {[]selector{some, plain("/a")}, []selector{plain("/a"), some}},
		"a pattern that covers none": {[]selector{some, plain("/a/b/c")}, []selector{some, plain("/a/b/c")}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, dedupe(c.list)) })
	}
}
