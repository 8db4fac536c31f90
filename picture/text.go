package picture

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgstrata/pgstrata/plan"
)

// clean replaces what no XML document can hold, however it is written: names
// of files and values of arguments may have it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n', r >= 0x20 && r < 0xFFFE && (r < 0x7F || r > 0x9F), r >= 0x10000:
			return r
		}
		return utf8.RuneError
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// lines breaks a title into at most two lines of a box, where words end.
func lines(x, y int, title string) []textLine {
	const height = 15
	rest := []rune(clean(title))
	most := fitting(rest)
	if most == len(rest) {
		return []textLine{{x, y, string(rest)}}
	}
	cut := most
	for _, after := range []string{"-_/:", " "} { // a space is the better place
		for i := most; i > most/3; i-- {
			if strings.ContainsRune(after, rest[i-1]) || rest[i] == ' ' {
				cut = i
				break
			}
		}
	}
	second := []rune(strings.TrimSpace(string(rest[cut:])))
	if n := fitting(second); n < len(second) {
		second = append(second[:n-1:n-1], '…')
	}
	return []textLine{{x, y, strings.TrimSpace(string(rest[:cut]))}, {x, y + height, string(second)}}
}

// fitting is how many letters fit into a line of a box. Nobody knows the font:
// these are the proportions that fonts without serifs have, the wide ones too.
func fitting(text []rune) int {
	const (
		line = 180
		wide = 16
		tall = 12
		slim = 6
	)
	sum := 0
	for i, r := range text {
		switch {
		case strings.ContainsRune("mwMW@%", r), r > 0x2000:
			sum += wide
		case r >= 'A' && r <= 'Z':
			sum += tall
		case strings.ContainsRune("ijlrtf.,:;'|!()[] -", r):
			sum += slim
		default:
			sum += 10
		}
		if sum > line {
			return i
		}
	}
	return len(text)
}

// short is a value as one reads it: of a digest its beginning.
func short(s string) string {
	const digest, most, kept = 64, 300, 12
	if len(s) == digest && strings.Trim(s, "0123456789abcdef") == "" {
		return s[:kept]
	}
	if rest, ok := strings.CutPrefix(s, "sha256:"); ok && len(rest) == digest {
		return "sha256:" + rest[:kept]
	}
	return cut(s, most)
}

// brief is how long something took that took no time to speak of.
const brief = "< 0.1 s"

// duration is "" where nobody measured.
func duration(d time.Duration) string {
	const shown = 50 * time.Millisecond
	switch {
	case d <= 0:
		return ""
	case d < shown:
		return brief
	}
	return plan.Duration(d)
}

// cut shortens a text.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
