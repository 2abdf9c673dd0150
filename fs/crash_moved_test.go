package fs_test

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
	"grantfs/fs/limit"
	"grantfs/fs/memory"
	"grantfs/policy"
)

// moved returns what the account's transfer counters say.
func (v *victims) moved() [2]int64 {
	v.t.Helper()
	m, err := memory.Open(duplicate(v.t, v.memory.FD()))
	if err != nil {
		v.t.Fatal(err)
	}
	defer m.Close()
	transfers, err := limit.NewTransfers(limit.Memory{Held: m.Held(memory.Transfers), Grow: m.Grow(memory.Transfers)},
		func(string) *policy.Effective { return nil }, time.Now)
	if err != nil {
		v.t.Fatal(err)
	}
	var sum [2]int64
	for _, u := range transfers.Usage() {
		sum[limit.Upload] += u.Moved[limit.Upload]
		sum[limit.Download] += u.Moved[limit.Download]
	}
	return sum
}

// TestCrashCountsOnce: wherever the process dies, what an account moves counts once
// against its transfer limits.
func TestCrashCountsOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   kernel.Opcode
		do   func(root string) error
		want [2]int64 // by limit.Direction
	}{
		{"write", kernel.OpWrite, writeTo("a", unix.O_WRONLY), [2]int64{limit.Upload: 4}},
		{"append", kernel.OpWrite, writeTo("a", unix.O_WRONLY|unix.O_APPEND), [2]int64{limit.Upload: 4}},
		{"read", kernel.OpRead, readFrom("a", unix.Read, func(b []byte) bool { return string(b) == "content of a\n" }), [2]int64{limit.Download: 13}},
	} {
		for _, step := range []kernel.Step{kernel.StepBegun, kernel.StepHandled, kernel.StepReplied} {
			t.Run(tt.name+"/"+step.String(), func(t *testing.T) {
				v := startVictims(t, tree(t, "a"), false)
				v.start(step, tt.op)
				answer := make(chan error, 1)
				go as(aliceUID, func() { answer <- tt.do(filepath.Join(v.tell.Point, "alice")) })
				if !v.wait() {
					t.Error("the victim was not killed")
				}
				v.start(never, 0)
				if err := <-answer; err != nil {
					t.Errorf("the account is told: %v", err)
				}
				if got := v.moved(); got != tt.want {
					t.Errorf("moved %v, want %v", got, tt.want)
				}
			})
		}
	}
}
