package backing

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// closers is how many descriptors may be in the middle of being closed. Those of a
// file system that hangs stay there, each with a thread, and must leave room for
// all others'.
const closers = 1024

// closeAfter is for how long descriptors are gathered: to start a goroutine for
// each one costs more than to close it.
const closeAfter = 5 * time.Millisecond

// closer closes descriptors beside the requests that are done with them: the
// close of a file may write it back to a server that hangs, or free the
// blocks of a large file that somebody has unlinked (that of an O_PATH descriptor
// too), and it is seldom the file of the request that happens to push it out of
// the cache. Safe for concurrent use.
type closer struct {
	mu      sync.Mutex // guards what follows
	queue   []int
	running int  // goroutines, and the one that is due
	due     bool // one starts soon
	wg      sync.WaitGroup
}

// add has fd closed soon.
func (c *closer) add(fd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, fd)
	if !c.due && c.running < closers {
		c.due = true
		c.running++
		c.wg.Add(1)
		time.AfterFunc(closeAfter, c.run)
	}
}

// run closes what there is to close.
func (c *closer) run() {
	defer c.wg.Done()
	for first := true; ; first = false {
		c.mu.Lock()
		if first {
			c.due = false
		}
		if len(c.queue) == 0 {
			c.queue = nil
			c.running--
			c.mu.Unlock()
			return
		}
		fd := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		unix.Close(fd)
	}
}

// wait waits until everything is closed; nothing may be added any more.
func (c *closer) wait() { c.wg.Wait() }
