package config

import "time"

// Patience runs what looks at disks that may hang, as a network file system
// does whose server is gone: the policy must load all the same. It is not safe
// for concurrent use.
type Patience struct {
	left time.Duration
	jobs chan func()
}

// leastPatience is how long each look is waited for when all patience is gone.
const leastPatience = 20 * time.Millisecond

// NewPatience returns a Patience that waits for d in all for what hangs. Close
// it after use.
func NewPatience(d time.Duration) *Patience { return &Patience{left: d} }

// Do runs f and waits until it is done. False says that f hangs: it is left
// behind, so it must set nothing that is used afterwards.
func (p *Patience) Do(f func()) bool {
	if p.jobs == nil {
		p.jobs = make(chan func())
		go work(p.jobs)
	}
	done := make(chan struct{})
	p.jobs <- func() {
		defer close(done)
		f()
	}
	began := time.Now()
	end := time.NewTimer(max(p.left, leastPatience))
	defer end.Stop()
	select {
	case <-done:
		return true
	case <-end.C:
		p.left -= time.Since(began)
		p.Close() // its worker ends with f; the next look gets another
		return false
	}
}

// work does jobs until there are no more.
func work(jobs <-chan func()) {
	for job := range jobs {
		job()
	}
}

// Close ends the goroutine that looks, unless it hangs.
func (p *Patience) Close() {
	if p.jobs != nil {
		close(p.jobs)
		p.jobs = nil
	}
}

// SourcePatience is how long the sources of a configuration that hang are waited
// for, all together.
const SourcePatience = 2 * time.Second
