package stress

import (
	"fmt"
	"strings"
	"testing"
)

// TestDbench lets four of dbench's clients play the load of a file server.
func TestDbench(t *testing.T) {
	m := mount(t, true)
	out := m.run(t, turn(t), "dbench", "-D", ".", "-t", fmt.Sprint(int(turn(t).Seconds())), "-c", "/usr/share/dbench/client.txt", "4")
	if !strings.Contains(out, "Throughput") {
		t.Errorf("dbench has no result:\n%s", out)
	}
	m.sound(t)
}
