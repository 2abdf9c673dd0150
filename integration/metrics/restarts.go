package metrics

import "time"

// restartBounds are the upper bounds of the pauses' buckets, in seconds.
var restartBounds = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// Restarts says how often the worker was replaced and how long nobody answered
// meanwhile. It has no lock: whoever keeps it passes copies on.
type Restarts struct {
	Count   uint64
	Seconds float64
	Buckets [len(restartBounds)]uint64 // pauses within each bound
}

// Add counts one more.
func (r *Restarts) Add(pause time.Duration) {
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
