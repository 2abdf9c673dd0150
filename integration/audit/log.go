package audit

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	queued      = 8192            // entries
	atOnce      = 64 << 10        // bytes of one write(2), about
	window      = time.Minute     // of an account's refusals
	perWindow   = 120             // of them are written one by one
	maxAccounts = 10_000          // whose refusals are counted apart
	complaints  = 5 * time.Minute // between two about a file that can't be written
)

// Options are what a Log needs.
type Options struct {
	Path    string
	MaxSize int64 // bytes of a file, after which the next one begins; 0: no limit
	Keep    int   // older files that are kept, as PATH.1 and so on
	Log     *slog.Logger
}

// Log is an open audit log. Safe for concurrent use.
type Log struct {
	opt     Options
	entries chan Entry
	reopen  chan struct{} // holds one value
	quit    chan struct{} // closed by Close
	done    chan struct{}
	lost    atomic.Uint64

	// What follows is the goroutine's.
	file      *file
	refusals  map[string]*refusals // by account
	told      uint64               // of lost
	complaint time.Time            // the last
}

// refusals are those of one account in the current window.
type refusals struct {
	n    int
	last Entry // the first that was not written
}

// Open opens the log, made if it is missing (0600), as its directory is (0750). Close
// it.
func Open(o Options) (*Log, error) {
	f, err := openFile(o.Path)
	if err != nil {
		return nil, err
	}
	l := &Log{
		opt: o, entries: make(chan Entry, queued), reopen: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		file: f, refusals: make(map[string]*refusals),
	}
	go l.run()
	return l, nil
}

// Write has an entry written, with the time of now. It never waits. After Close
// nothing is written.
func (l *Log) Write(e Entry) {
	e.Time = time.Now()
	select {
	case l.entries <- e:
	default:
		l.lost.Add(1)
	}
}

// Lost returns how many entries found the queue full or could not be written.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Reopen goes on in the file that is at the path now: somebody else may have moved
// the old one away.
func (l *Log) Reopen() {
	select {
	case l.reopen <- struct{}{}:
	default:
	}
}

// Close writes what is queued and returns when it is written.
func (l *Log) Close() error {
	close(l.quit)
	<-l.done
	if err := l.file.close(); err != nil {
		return fmt.Errorf("close the audit log: %w", err)
	}
	return nil
}

func (l *Log) run() {
	defer close(l.done)
	tick := time.NewTicker(window)
	defer tick.Stop()
	for {
		select {
		case e := <-l.entries:
			l.write(l.gather(l.line(nil, e)))
		case <-l.quit:
			for len(l.entries) > 0 {
				l.write(l.gather(nil))
			}
			l.write(l.summary(nil))
			return
		case <-tick.C:
			l.write(l.summary(nil))
		case <-l.reopen:
			f, err := openFile(l.opt.Path)
			if err != nil {
				l.complain(err)
				continue
			}
			_ = l.file.close() // all of it is written
			l.file = f
		}
	}
}

// gather appends what is queued already, so that one write(2) does.
func (l *Log) gather(lines []byte) []byte {
	for len(lines) < atOnce {
		select {
		case e := <-l.entries:
			lines = l.line(lines, e)
		default:
			return lines
		}
	}
	return lines
}

// line appends e, or counts it.
func (l *Log) line(lines []byte, e Entry) []byte {
	if e.Result != OK {
		who := e.Account
		if l.refusals[who] == nil && len(l.refusals) >= maxAccounts {
			who = ""
		}
		r := l.refusals[who]
		if r == nil {
			r = new(refusals)
			l.refusals[who] = r
		}
		if r.n++; r.n > perWindow {
			if r.n == perWindow+1 {
				r.last = e
			}
			return lines
		}
	}
	if lost := l.lost.Load(); lost != l.told {
		lines = l.add(lines, Entry{Time: e.Time, Event: "lost", Result: "not_written", Count: int(lost - l.told)})
		l.told = lost
	}
	return l.add(lines, e)
}

func (l *Log) add(lines []byte, e Entry) []byte {
	more, err := e.appendLine(lines)
	if err != nil { // no Entry is like that
		l.complain(err)
	}
	return more
}

// summary appends what was not written one by one, and begins a new window.
func (l *Log) summary(lines []byte) []byte {
	for _, r := range l.refusals {
		if r.n > perWindow {
			r.last.Count = r.n - perWindow
			lines = l.add(lines, r.last)
		}
	}
	clear(l.refusals)
	return lines
}

// write writes lines. What can't be written is lost: nobody waits for a full disk.
func (l *Log) write(lines []byte) {
	if len(lines) == 0 {
		return
	}
	if l.opt.MaxSize > 0 && l.file.size > 0 && l.file.size+int64(len(lines)) > l.opt.MaxSize {
		f, err := l.file.rotate(l.opt.Path, l.opt.Keep)
		if err != nil {
			l.complain(err)
		} else {
			l.file = f
		}
	}
	if lost, err := l.file.append(lines); err != nil {
		l.lost.Add(uint64(lost))
		l.complain(err)
	}
}

func (l *Log) complain(err error) {
	if now := time.Now(); now.Sub(l.complaint) > complaints {
		l.complaint = now
		l.opt.Log.Error("what accounts do is not written down", "error", err)
	}
}
