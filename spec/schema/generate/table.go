package generate

import (
	"cmp"
	"fmt"
	"strings"
)

// Table writes the Markdown table of a mapping's keys. Headings are those of the page that it stands in; a comment that
// has one of them in quotes gets a link.
func (m Mapping) Table(headings []string) string {
	var link []string
	for _, h := range headings {
		link = append(link, `"`+h+`"`, "["+h+"](#"+anchor(h)+")")
	}
	linked := strings.NewReplacer(link...)
	var b strings.Builder
	b.WriteString("| key | type | default | |\n|---|---|---|---|\n")
	for _, k := range m.Keys {
		standard := cmp.Or(k.Default, "none")
		if k.Required {
			standard = "required"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.describe(), linked.Replace(standard), linked.Replace(k.Doc))
	}
	return b.String()
}

// describe says in words what a key's value is.
func (k Key) describe() string {
	n, _ := k.lookup()
	choices := strings.Split(k.Is, "|")
	switch {
	case k.Type == "Download":
		return "context path, or mapping"
	case k.Is == "" || k.Type == "Pair":
		return "mapping"
	case k.Type == "Each":
		return "mapping of lists"
	case k.Type == "Caches":
		return "list of " + n.plural + ", or `none`"
	case k.List:
		return "list of " + n.plural
	case len(choices) == 2:
		return "`" + choices[0] + "` or `" + choices[1] + "`"
	case len(choices) > 2:
		return "`" + strings.Join(choices, "`, `") + "`"
	}
	return k.Is
}
