package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// TestFold tells which chmod and chown become flags of the COPY above them: those
// whose effect the flags have exactly, whatever the base holds.
func TestFold(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a file's mode":                  {"COPY a.sh /a.sh\nRUN chmod +x /a.sh\n", "COPY --chmod=0755 a.sh /a.sh\n"},
		"in octal":                       {"COPY a.sh /a.sh\nRUN chmod 0750 /a.sh\n", "COPY --chmod=0750 a.sh /a.sh\n"},
		"several files of one copy":      {"COPY a.sh b.sh /bin/\nRUN chmod +x /bin/a.sh /bin/b.sh\n", "COPY --chmod=0755 a.sh b.sh /bin/\n"},
		"owner at the root":              {"COPY a.sh /a.sh\nRUN chown 5:6 /a.sh && chmod 755 /a.sh\n", "COPY --chown=5:6 --chmod=0755 a.sh /a.sh\n"},
		"set-id bits that chown clears":  {"COPY a.sh /a.sh\nRUN chmod 2755 /a.sh && chown 5:6 /a.sh\n", ""},
		"set-id bits":                    {"COPY a.sh /a.sh\nRUN chmod 4755 /a.sh\n", ""},
		"two in a row":                   {"COPY a.sh /a.sh\nRUN chmod +x /a.sh\nRUN chmod 700 /a.sh\n", "COPY --chmod=0755 a.sh /a.sh\nRUN chmod 700 /a.sh\n"},
		"two owners":                     {"COPY a.sh /a.sh\nRUN chown 1:1 /a.sh && chown 2:2 /a.sh\n", ""},
		"mode and then owner":            {"COPY a.sh /a.sh\nRUN chmod +x /a.sh\nRUN chown 1:1 /a.sh\n", "COPY --chmod=0755 a.sh /a.sh\nRUN chown 1:1 /a.sh\n"},
		"a directory":                    {"COPY d /app\nRUN chown -R 1:1 /app\n", ""},
		"a directory's mode":             {"COPY d /app\nRUN chmod -R 755 /app\n", ""},
		"a directory that RUN made":      {"RUN mkdir -p /app/logs\nCOPY d /app\nRUN chown -R 1:1 /app\n", ""},
		"a glob":                         {"COPY a.sh /usr/local/bin/a.sh\nRUN chmod +x /usr/local/bin/*.sh\n", ""},
		"a part of the copy":             {"COPY a.sh b.sh /bin/\nRUN chmod +x /bin/a.sh\n", ""},
		"a parent that the COPY makes":   {"COPY a.sh /x/a.sh\nRUN chown 1:1 /x/a.sh\n", ""},
		"a parent that is there":         {"COPY b.sh /x/b.sh\nCOPY a.sh /x/a.sh\nRUN chown 1:1 /x/a.sh\n", "COPY b.sh /x/b.sh\nCOPY --chown=1:1 a.sh /x/a.sh\n"},
		"a parent that a base may lack":  {"COPY a.sh /opt/a.sh\nRUN chown 1:1 /opt/a.sh\n", ""},
		"what may be a directory":        {"COPY a.sh /start\nRUN chmod +x /start\n", ""},
		"an option":                      {"COPY a.sh /a.sh\nRUN chmod -v +x /a.sh\n", ""},
		"a path that goes up":            {"COPY a.sh /a.sh\nRUN chmod +x /x/../a.sh\n", ""},
		"something else in between":      {"COPY a.sh /a.sh\nRUN true\nRUN chmod +x /a.sh\n", ""},
		"another command":                {"COPY a.sh /a.sh\nRUN chmod +x /a.sh && ls /\n", ""},
		"copied over":                    {"COPY a.sh /x/a.sh\nCOPY d /x\nRUN chmod +x /x/a.sh\n", ""},
		"a flag of its own":              {"COPY --chmod=600 a.sh /a.sh\nRUN chmod 700 /a.sh\n", ""},
		"another user":                   {"COPY a.sh /a.sh\nUSER 1\nRUN chmod 700 /a.sh\n", ""},
		"a link":                         {"COPY --link a.sh /a.sh\nRUN chmod 700 /a.sh\n", ""},
		"a user alone":                   {"COPY a.sh /a.sh\nRUN chown daemon /a.sh\n", "COPY --chown=daemon:0 a.sh /a.sh\n"},
		"a login group":                  {"COPY a.sh /a.sh\nRUN chown daemon: /a.sh\n", ""},
		"a mode that only adds for some": {"COPY a.sh /a.sh\nRUN chmod u+x /a.sh\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := "FROM b\n" + c.text
			want := "FROM b\n" + c.want
			if c.want == "" {
				want = text
			}
			r := rewriteText(t, text, map[string]string{"a.sh": "x", "b.sh": "x", "d/f": "x", "d/a.sh": "y"}, dockerfile.Options{})
			assert.Equal(t, want, string(r.Text))
			assert.Equal(t, strings.Count(text, "RUN")-strings.Count(want, "RUN"), len(r.Decisions), "each is told: %v", r.Decisions)
		})
	}
}
