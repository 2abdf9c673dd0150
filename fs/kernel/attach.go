package kernel

import (
	"fmt"
	"time"
)

// Attach returns the connection of a mount that another process has made and
// keeps: device is its /dev/fuse and control its abort file (see Files), which
// are the connection's from then on, and f what the kernel granted. Serve may be
// called at once: INIT was answered. A connection that is kept is never ended
// from here but by Unmount.
func Attach(point string, device, control int, f Features) *Conn {
	return &Conn{fd: device, point: point, control: control, features: f, kept: true}
}

// Files returns the descriptors of the connection: the /dev/fuse and the abort
// file. They remain the connection's.
func (c *Conn) Files() (device, control int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fd, c.control
}

// Resend makes the kernel send the requests again that were read and never
// answered, by a process that has died. It reports false where the kernel is
// older than 6.9.
func (c *Conn) Resend() (bool, error) {
	if !c.features.Resend {
		return false, nil
	}
	return c.notify(notifyResend, nil)
}

// nudge is how long a reader that has nothing to read may take to notice that it
// should leave.
const nudge = time.Millisecond

// Drain makes Serve return without the end of the mount: no new request is read,
// and those that were read are answered first. It waits for that, but no longer
// than patience: the error says that requests hang. A successor gets those again,
// and those that only wait for something, which are not waited for.
func (c *Conn) Drain(patience time.Duration) error {
	c.draining.Store(true)
	l := c.loop.Load()
	if l == nil {
		return nil
	}
	if c.features.Resend {
		l.interrupts.end()
	}
	restore, err := interruptible()
	if err != nil {
		return err
	}
	defer restore()
	end := time.NewTimer(patience)
	defer end.Stop()
	try := time.NewTicker(nudge)
	defer try.Stop()
	for {
		select {
		case <-l.ended:
			return nil
		case <-end.C:
			c.journal.acquit()
			return fmt.Errorf("requests are still under way after %s", patience)
		case <-try.C:
		}
		if err := interruptReads(c.fd); err != nil {
			return err
		}
	}
}
