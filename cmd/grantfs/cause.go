package main

import (
	"errors"
	"fmt"

	"grantfs/fs/vault"
	"grantfs/integration/metrics"
)

// exitUnmounted is how a worker ends whose mount was taken away.
const exitUnmounted = 3

// errUnmounted says that nobody needs this worker any more.
var errUnmounted = &exitError{exitUnmounted, nil}

// causeOf says why a worker has ended; killed is how many processes were killed
// meanwhile because memory was short.
func causeOf(e vault.End, killed int) (metrics.Cause, error) {
	switch code := e.Status.ExitStatus(); {
	case e.Err != nil:
		return metrics.CauseExit, e.Err
	case e.Status.Signaled() && killed > 0:
		return metrics.CauseMemory, errors.New("it was killed because memory was short")
	case e.Status.Signaled():
		return metrics.CauseSignal, fmt.Errorf("it was killed by a signal: %s", e.Status.Signal())
	case code == exitOK:
		return metrics.CauseOrderly, errors.New("it has ended in order")
	default:
		return metrics.CauseExit, fmt.Errorf("it has ended with status %d", code)
	}
}

// fails reports whether a worker has ended with a status that is its own error.
func fails(e vault.End) bool {
	code := e.Status.ExitStatus()
	return e.Status.Exited() && code != exitOK && code != exitUnmounted
}
