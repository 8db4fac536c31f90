package shell

import (
	"encoding/json"
	"os"
	"testing"
)

// dump is everything that a program tells, as text.
func dump(p *Program) string {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestDump(t *testing.T) {
	name := os.Getenv("DUMP")
	if name == "" {
		t.Skip()
	}
	p, err := NewFSLoader(os.DirFS("testdata/pg")).Load(name, Options{Vars: map[string]string{"POSTGRESQL_VERSION": "15.4"}, Follow: true, Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(dump(p))
}
