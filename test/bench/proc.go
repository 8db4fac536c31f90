package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// field returns what stands behind `name:` in a file of /proc.
func field(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstWord(file string) string {
	data, err := os.ReadFile(file)
	if err != nil || len(data) == 0 {
		return ""
	}
	return strings.Fields(string(data))[0]
}

func parse(text, format string, into ...any) (int, error) { return fmt.Sscanf(text, format, into...) }

// loadAverage is how many processes wanted a processor in the last minute, on average.
func loadAverage() float64 {
	load, _ := strconv.ParseFloat(firstWord("/proc/loadavg"), 64) // 0 where there is none
	return load
}

// peak returns the largest memory, in bytes, that a process of that name held, among the descendants of the process whose
// command line has the text parent. It looks until the context is done.
func peak(ctx context.Context, name, parent string) int64 {
	comm := name[:min(len(name), 15)] // which is all that the kernel keeps
	var most int64
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	known := map[string]bool{} // by /proc/PID
	for {
		names, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
		for _, proc := range names {
			if !known[proc] { // a process gets its name only when it is about to run
				known[proc] = firstWord(proc+"/comm") == comm && descends(proc, parent)
			}
			if known[proc] {
				var kilobytes int64
				if _, err := parse(field(proc+"/status", "VmHWM"), "%d kB", &kilobytes); err == nil {
					most = max(most, kilobytes<<10)
				}
			}
		}
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
	}
}

// descends tells whether one of the processes above has the text in its command line.
func descends(proc, text string) bool {
	for range 8 {
		command, err := os.ReadFile(proc + "/cmdline")
		if err != nil {
			return false
		}
		if strings.Contains(string(command), text) {
			return true
		}
		parent := field(proc+"/status", "PPid")
		if parent == "" || parent == "0" {
			return false
		}
		proc = "/proc/" + parent
	}
	return false
}
