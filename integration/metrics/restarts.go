package metrics

import "time"

// Cause is why a worker was replaced.
type Cause uint8

// The causes.
const (
	CauseOrderly Cause = iota // it was asked to leave: an upgrade
	CauseExit                 // it ended by itself
	CauseSignal               // it was killed
	CauseMemory               // it was killed because memory was short
	CauseKeeper               // its keeper ended, and was replaced by the service manager
	causes
)

var causeNames = [causes]string{"orderly", "exit", "signal", "oom", "keeper"}

// String returns the cause as a label.
func (c Cause) String() string { return causeNames[c] }

// restartBounds are the upper bounds of the pauses' buckets, in seconds.
var restartBounds = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// Restarts says how often the worker was replaced, why, and how long nobody answered
// meanwhile. It has no lock: whoever keeps it passes copies on.
type Restarts struct {
	Causes  [causes]uint64
	Count   uint64 // of pauses
	Seconds float64
	Buckets [len(restartBounds)]uint64 // pauses within each bound
}

// Pause counts a pause.
func (r *Restarts) Pause(pause time.Duration) {
	r.Count++
	r.Seconds += pause.Seconds()
	for i, bound := range restartBounds {
		if pause.Seconds() <= bound {
			r.Buckets[i]++
		}
	}
}

// histogram returns the buckets as a scrape has them.
func (r *Restarts) histogram() map[float64]uint64 {
	m := make(map[float64]uint64, len(r.Buckets))
	for i, n := range r.Buckets {
		m[restartBounds[i]] = n
	}
	return m
}
