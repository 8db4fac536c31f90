package narrow_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/narrow"
)

func recorded() *narrow.Record {
	return &narrow.Record{Steps: []narrow.Recorded{
		{Key: "k2", Platform: "linux/amd64", Title: "RUN make\n\"x\"", Seen: []narrow.Seen{
			{Kind: narrow.At, Value: "2", Path: "/b"}, {Kind: narrow.Names, Value: "1", Path: "/b"}, {Kind: narrow.At, Value: narrow.Nothing, Path: "/a b\nc"},
		}},
		{Key: "k1", Platform: "linux/amd64", Title: "RUN a", Seen: []narrow.Seen{{Kind: narrow.All, Value: "3", Path: "/"}}},
		{Key: "k3", Platform: "linux/arm64", Title: "RUN a"},
	}}
}

// What is written is sorted, the same for the same steps, and read as it was.
func TestRecordIsReadAsItWasWritten(t *testing.T) {
	r := recorded()
	text := string(r.Format())
	assert.Equal(t, `# What steps were observed to read of the files that are copied, by pgstrata observe.
pgstrata-observed 1

step k1 6a02a0da90e81b671e36cad46590675d linux/amd64 "RUN a"
all 3 /

step k2 c5674797585ae21018fc1ba625d04b98 linux/amd64 "RUN make\n\"x\""
at - "/a b\nc"
at 2 /b
names 1 /b

step k3 889bed203bf0af1c08990aa19cc341bc linux/arm64 "RUN a"
`, text)
	again := recorded()
	slices.Reverse(again.Steps)
	slices.Reverse(again.Steps[1].Seen)
	assert.Equal(t, text, string(again.Format()))
	read, err := narrow.ParseRecord([]byte(text))
	require.NoError(t, err)
	assert.Equal(t, text, string(read.Format()))
	read, err = narrow.ParseRecord(bytes.ReplaceAll([]byte(text), []byte("\n"), []byte("\r\n")))
	require.NoError(t, err, "a checkout may change the ends of lines")
	assert.Equal(t, text, string(read.Format()))
	assert.Equal(t, "RUN make\n\"x\"", read.Step("k2").Title)
	assert.Nil(t, read.Step("none"))
	assert.Nil(t, (*narrow.Record)(nil).Step("none"))
}

// The steps of one platform take the places of that platform's alone.
func TestRecordOfSeveralPlatforms(t *testing.T) {
	r := recorded()
	r.Replace("linux/amd64", []narrow.Recorded{{Key: "new", Platform: "linux/amd64"}})
	var keys []string
	for _, s := range r.Steps {
		keys = append(keys, s.Key)
	}
	assert.Equal(t, []string{"k3", "new"}, keys)
}

// A record that somebody edited, or merged, gives no step too little: it is not read.
func TestRecordThatWasChanged(t *testing.T) {
	text := string(recorded().Format())
	for name, edited := range map[string]string{
		"a line less":     strings.Replace(text, "at 2 /b\n", "", 1),
		"a line more":     strings.Replace(text, "at 2 /b\n", "at 2 /b\nat 2 /c\n", 1),
		"another value":   strings.Replace(text, "at 2 /b\n", "at 3 /b\n", 1),
		"another key":     strings.Replace(text, "step k1", "step k4", 1),
		"a step twice":    text + "\nstep k1 x linux/amd64 \"RUN a\"\n",
		"a merge":         strings.Replace(text, "at 2 /b\n", "<<<<<<< HEAD\nat 2 /b\n", 1),
		"another format":  strings.Replace(text, "pgstrata-observed 1", "pgstrata-observed 2", 1),
		"another kind":    strings.Replace(text, "at 2 /b\n", "on 2 /b\n", 1),
		"a relative path": strings.Replace(text, "at 2 /b\n", "at 2 b\n", 1),
		"no step":         "pgstrata-observed 1\nat 2 /b\n",
		"too large":       strings.Repeat("#\n", narrow.MaxSize),
	} {
		_, err := narrow.ParseRecord([]byte(edited))
		assert.Error(t, err, name)
	}
	empty, err := narrow.ParseRecord(nil)
	require.NoError(t, err)
	assert.Empty(t, empty.Steps)
}

func FuzzParseRecord(f *testing.F) {
	f.Add(recorded().Format())
	f.Add([]byte("pgstrata-observed 1\nstep a b c \"\\xff\"\nat - \"/\\xff\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := narrow.ParseRecord(data)
		if err != nil {
			return
		}
		text := r.Format()
		again, err := narrow.ParseRecord(text)
		require.NoError(t, err, "%s", text)
		assert.Equal(t, string(text), string(again.Format()))
	})
}
