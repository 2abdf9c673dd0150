package main

import (
	"errors"
	"syscall"
	"testing"

	"grantfs/fs/vault"
	"grantfs/integration/metrics"
)

func TestCauseOf(t *testing.T) {
	const exited = 8 // bits of a wait status below the exit code
	for name, c := range map[string]struct {
		end    vault.End
		killed int
		want   metrics.Cause
		fails  bool
	}{
		"in order":    {vault.End{}, 0, metrics.CauseOrderly, false},
		"by itself":   {vault.End{Status: 2 << exited}, 0, metrics.CauseExit, true},
		"unmounted":   {vault.End{Status: exitUnmounted << exited}, 0, metrics.CauseExit, false},
		"killed":      {vault.End{Status: syscall.WaitStatus(syscall.SIGKILL)}, 0, metrics.CauseSignal, false},
		"no memory":   {vault.End{Status: syscall.WaitStatus(syscall.SIGKILL)}, 1, metrics.CauseMemory, false},
		"not started": {vault.End{Err: errors.New("no such file")}, 0, metrics.CauseExit, false},
	} {
		cause, err := causeOf(c.end, c.killed)
		if cause != c.want || err == nil || fails(c.end) != c.fails {
			t.Errorf("%s: %v, %v, fails %v", name, cause, err, fails(c.end))
		}
	}
}
