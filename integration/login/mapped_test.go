package login

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestEndMapped: who has mapped a file ends, here the program that it runs, if it is
// of that uid.
func TestEndMapped(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for up := dir; up != os.TempDir(); up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(program, &st); err != nil {
		t.Fatal(err)
	}
	maps, other, bystander := startAs(t, endUID, program), startAs(t, endUID+1, program), startAs(t, endUID, sleep)
	table := newTable()
	for _, step := range []struct {
		uid  uint32
		ino  uint64
		want int
	}{{endUID, st.Ino + 1, 0}, {0, st.Ino, 0}, {endUID, st.Ino, 1}} {
		if n, err := table.EndMapped(step.uid, st.Dev, map[uint64]bool{step.ino: true, 1: true}); n != step.want || err != nil {
			t.Errorf("EndMapped(%d, %d) = %d, %v, want %d", step.uid, step.ino, n, err, step.want)
		}
	}
	maps.wait()
	if !other.alive() || !bystander.alive() {
		t.Error("others have ended")
	}
}
