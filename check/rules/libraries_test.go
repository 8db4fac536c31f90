package rules

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/check"
)

// program is the least of an ELF file that names libraries and a run path.
func program(t *testing.T, runPath string, libraries ...string) []byte {
	t.Helper()
	names := "\x00.shstrtab\x00.dynstr\x00.dynamic\x00"
	at := func(name string) uint32 { return uint32(strings.Index(names, name)) } //nolint:gosec // a short string
	strs := "\x00"
	var dynamic []elf.Dyn64
	add := func(tag elf.DynTag, s string) {
		dynamic = append(dynamic, elf.Dyn64{Tag: int64(tag), Val: uint64(len(strs))})
		strs += s + "\x00"
	}
	for _, l := range libraries {
		add(elf.DT_NEEDED, l)
	}
	if runPath != "" {
		add(elf.DT_RUNPATH, runPath)
	}
	dynamic = append(dynamic, elf.Dyn64{})
	const header = 64
	strAt := uint64(header + len(names))
	dynAt := strAt + uint64(len(strs))
	dynSize := uint64(16 * len(dynamic))
	var b bytes.Buffer
	write := func(v any) { require.NoError(t, binary.Write(&b, binary.LittleEndian, v)) }
	h := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: header,
		Shoff: dynAt + dynSize, Shentsize: 64, Shnum: 4, Shstrndx: 1,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	write(h)
	b.WriteString(names + strs)
	write(dynamic)
	write([]elf.Section64{
		{},
		{Name: at(".shstrtab"), Type: uint32(elf.SHT_STRTAB), Off: header, Size: uint64(len(names))},
		{Name: at(".dynstr"), Type: uint32(elf.SHT_STRTAB), Off: strAt, Size: uint64(len(strs))},
		{Name: at(".dynamic"), Type: uint32(elf.SHT_DYNAMIC), Off: dynAt, Size: dynSize, Link: 2, Entsize: 16},
	})
	return b.Bytes()
}

func TestMissingLibraries(t *testing.T) {
	in := fstest.MapFS{
		"usr/local/bin/server":                 {Mode: 0o755, Data: program(t, "$ORIGIN/../lib", "libown.so.1", "libc.so.6", "libpq.so.5", "libmulti.so", "libgone.so.7")},
		"usr/local/bin/script":                 {Mode: 0o755, Data: []byte("#!/bin/sh\n")},
		"usr/local/lib/libown.so.1":            {},
		"lib":                                  {Mode: fs.ModeSymlink, Data: []byte("usr/lib")},
		"usr/lib/libc.so.6":                    {Mode: fs.ModeSymlink, Data: []byte("libc-2.so")},
		"usr/lib/libc-2.so":                    {},
		"opt/pg/libpq.so.5":                    {},
		"etc/ld.so.conf":                       {Data: []byte("# all\ninclude /etc/ld.so.conf.d/*.conf\n")},
		"etc/ld.so.conf.d/multi.conf":          {Data: []byte("/usr/lib/x86_64-linux-gnu\n")},
		"usr/lib/x86_64-linux-gnu/libmulti.so": {},
	}
	r := check.Root{FS: in}
	assert.Equal(t, []string{"libgone.so.7"}, missingLibraries(r, "/usr/local/bin/server", "/opt/pg"))
	assert.Equal(t, []string{"libpq.so.5", "libgone.so.7"}, missingLibraries(r, "/usr/local/bin/server", ""))
	assert.Empty(t, missingLibraries(r, "/usr/local/bin/script", ""))
	assert.Empty(t, missingLibraries(r, "/usr/local/bin/none", ""))
}

func TestProgramThatCannotStart(t *testing.T) {
	context, _ := split(map[string]string{
		"Dockerfile":                 "base: debian:bookworm-slim\n",
		"entrypoint.d/entrypoint.sh": "#!/bin/sh\nset -e\nserver --version\nserver\ngood\n",
	})
	in := input(t, context)
	in.Setup = fstest.MapFS{
		"bin/sh":               {Mode: 0o755},
		"usr/local/bin/server": {Mode: 0o755, Data: program(t, "", "libgone.so.7")},
		"usr/local/bin/good":   {Mode: 0o755, Data: program(t, "")},
	}
	assert.Equal(t, "entrypoint.d/entrypoint.sh:3:1-3:6: error: /usr/local/bin/server cannot start: it was linked against libgone.so.7, which the built setup does not have; add the packages to setup.dependencies.runtime\n"+
		"entrypoint.d/entrypoint.sh:4:1-4:6: error: /usr/local/bin/server cannot start: it was linked against libgone.so.7, which the built setup does not have; add the packages to setup.dependencies.runtime\n",
		describe(only(Read(in).Contract(in.Setup, in.Path), "SharedLibraryMissing")))
}
