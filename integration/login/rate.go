package login

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Moving is a session and how fast it moves data. In JSON it is one element of what
// "grantfs sessions --json" prints.
type Moving struct {
	// Rate is what its processes take in and give out again, in bytes per second:
	// file data of uploads and downloads, also of what the kernel serves past grantfs.
	Rate int64 `json:"rate"`
	Session
}

// Rates returns the sessions that are open, the oldest first, with what they moved
// during the time that it looks, or until ctx ends.
func (t *Table) Rates(ctx context.Context, look time.Duration) ([]Moving, error) {
	open := make(map[*live]bool)
	sessions := t.list()
	for _, l := range sessions {
		open[l] = true
	}
	list := []Moving{}
	if len(open) == 0 {
		return list, nil
	}
	serving, err := servers(open)
	if err != nil {
		return nil, err
	}
	before, begun := movedBy(serving), time.Now()
	wait := time.NewTimer(look)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	after, lasted := movedBy(serving), time.Since(begun)
	for _, l := range sessions {
		select {
		case <-l.ended:
			continue
		default:
		}
		m := Moving{Session: l.Session}
		for _, pid := range serving[l] {
			// Each byte comes in once and goes out once. Who has ended is not counted.
			if moved := after[pid] - before[pid]; moved > 0 {
				m.Rate += int64(float64(moved) / 2 / lasted.Seconds())
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// movedBy returns what each process has read and written. Who can't be asked has
// ended.
func movedBy(serving map[*live][]int) map[int]int64 {
	all := make(map[int]int64)
	for _, pids := range serving {
		for _, pid := range pids {
			if n, err := moved(pid); err == nil {
				all[pid] = n
			}
		}
	}
	return all
}

// moved reads /proc/PID/io (proc_pid_io(5)).
func moved(pid int) (int64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/io")
	if err != nil {
		return 0, fmt.Errorf("ask what process %d has moved: %w", pid, err)
	}
	var sum int64
	for _, key := range []string{"rchar: ", "wchar: "} {
		_, rest, _ := bytes.Cut(text, []byte(key))
		number, _, _ := bytes.Cut(rest, []byte("\n"))
		n, err := strconv.ParseInt(string(number), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("ask what process %d has moved: %w", pid, err)
		}
		sum += n
	}
	return sum, nil
}
