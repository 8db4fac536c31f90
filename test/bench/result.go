package bench

import (
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Results are what a run has measured.
type Results struct {
	Date    string  `json:"date"`
	Mode    string  `json:"mode"` // full or quick
	Machine Machine `json:"machine"`
	// Contenders by key, in the order of the columns.
	Contenders []string         `json:"contenders"`
	Rows       []RowResult      `json:"rows"`
	Overhead   []OverheadResult `json:"overhead"`
	Minutes    float64          `json:"minutes"` // that the run took
}

// Machine is where it was measured.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	MemoryGB   int     `json:"memoryGB"`
	Kernel     string  `json:"kernel"`
	BuildKit   string  `json:"buildkit"`
	Load       float64 `json:"load"` // average of the minute before the start
	LoadAtEnd  float64 `json:"loadAtEnd"`
	GoVersion  string  `json:"go"`
	FrontendMB float64 `json:"frontendMB"` // the size of the frontend's binary
}

// RowResult is one row: a cell for each contender, by its key.
type RowResult struct {
	Name  string          `json:"name"`
	Cells map[string]Cell `json:"cells"`
}

// Cell is what one contender's builds took. What is not time is that of the last of them.
type Cell struct {
	Seconds []float64 `json:"seconds,omitempty"` // of each build, as a whole call of the client
	Ran     int       `json:"ran"`               // vertices with inputs: steps, copies, merges
	Cached  int       `json:"cached"`
	Sent    int64     `json:"sent"`   // bytes of the context, build file included
	Pushed  int64     `json:"pushed"` // bytes of layers that the registry did not have
	New     int       `json:"new"`    // how many these were
	Size    int64     `json:"size"`   // bytes of all layers, compressed
	Layers  int       `json:"layers"`
	Memory  int64     `json:"memory,omitempty"` // peak, in bytes, of the frontend's own process
	// Phases are what a build waited for, in seconds: the median of each.
	Phases map[Phase]float64 `json:"phases,omitempty"`
	// Like names the row whose measurement stands for this one.
	Like string `json:"like,omitempty"`
	// Error is why there is none.
	Error string `json:"error,omitempty"`
}

// OverheadResult is what one frontend took from a request to the final definition.
type OverheadResult struct {
	Frontend   string    `json:"frontend"`
	Files      int       `json:"files"`
	Scripts    int       `json:"scripts"` // how many of them are setup scripts
	Platforms  int       `json:"platforms"`
	Seconds    []float64 `json:"seconds"`
	Memory     int64     `json:"memory"`     // peak, in bytes, of its process
	Vertices   int       `json:"vertices"`   // of the definition
	Definition int       `json:"definition"` // bytes
}

// Median returns the median of the times, 0 for none.
func Median(seconds []float64) float64 {
	if len(seconds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(seconds))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// Row returns a row by its name, nil where it was not measured.
func (r *Results) Row(name string) *RowResult {
	i := slices.IndexFunc(r.Rows, func(row RowResult) bool { return row.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Rows[i]
}

// Seconds returns the median of a contender in a row, be it that of the row that stands for it; 0 for none.
func (r *Results) Seconds(row, contender string) float64 {
	found := r.Row(row)
	if found == nil {
		return 0
	}
	cell := found.Cells[contender]
	if cell.Like != "" && cell.Like != row {
		return r.Seconds(cell.Like, contender)
	}
	return Median(cell.Seconds)
}

// Save writes the results as JSON.
func (r *Results) Save(file string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) //nolint:gosec // for everybody to read
}

// Load reads results that were saved.
func Load(file string) (*Results, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(Results)
	return r, json.Unmarshal(data, r)
}

// ThisMachine describes the machine.
func ThisMachine() Machine {
	m := Machine{
		Cores:     runtime.NumCPU(),
		GoVersion: strings.TrimPrefix(runtime.Version(), "go"),
		CPU:       field("/proc/cpuinfo", "model name"),
		Kernel:    firstWord("/proc/sys/kernel/osrelease"),
		Load:      loadAverage(),
	}
	var kilobytes int
	if _, err := parse(field("/proc/meminfo", "MemTotal"), "%d kB", &kilobytes); err == nil {
		m.MemoryGB = (kilobytes + 1<<19) >> 20
	}
	return m
}

func now() string { return time.Now().UTC().Format("2006-01-02") }
