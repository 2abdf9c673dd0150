package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"
)

// interruptible returns a context that Ctrl-C ends, for work that ends in order
// then. A second Ctrl-C ends the process. stop is to be called at the end.
func interruptible(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt)
	context.AfterFunc(ctx, cancel)
	return ctx, cancel
}

// progressPeriod is how often the line of progress changes.
const progressPeriod = 200 * time.Millisecond

// progress is one line on a terminal that says how far long work is: how much is
// done, how fast, since when. Anywhere else it says nothing. It is safe for
// concurrent use; close ends it and takes the line away.
type progress struct {
	out  io.Writer // nil: nobody watches
	what string
	of   int // 0: nobody knows

	mu    sync.Mutex // guards done, and is held while the line is written
	done  int
	began time.Time

	stop, stopped chan struct{}
}

// newProgress begins work on of things, 0 for a number that nobody knows.
func newProgress(out io.Writer, what string, of int) *progress {
	p := &progress{what: what, of: of}
	if !terminal(out) {
		return p
	}
	p.out, p.began = out, time.Now()
	p.stop, p.stopped = make(chan struct{}), make(chan struct{})
	go p.show()
	return p
}

// step says that n more are done.
func (p *progress) step(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
}

// show writes the line again and again until close.
func (p *progress) show() {
	defer close(p.stopped)
	period := time.NewTicker(progressPeriod)
	defer period.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-period.C:
			p.write(now)
		}
	}
}

// write writes the line. That a terminal can't be written to is no reason to stop.
func (p *progress) write(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, "\r\x1b[K"+p.line(now))
}

// line returns the line as it is at a time.
func (p *progress) line(now time.Time) string {
	of := ""
	if p.of > 0 {
		of = fmt.Sprintf(" of %d", p.of)
	}
	took := now.Sub(p.began)
	rate := float64(p.done) / max(took.Seconds(), 0.001)
	return fmt.Sprintf("%s: %d%s, %.0f/s, %s", p.what, p.done, of, rate, took.Round(time.Second))
}

// clear takes the line away, so that another can be written in its place.
func (p *progress) clear() {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.out, "\r\x1b[K")
}

// close ends the line, the first time.
func (p *progress) close() {
	if p.out == nil {
		return
	}
	close(p.stop)
	<-p.stopped
	p.clear()
	p.out = nil
}
