package limit

import "sync"

// Cap bounds how much of something that all accounts share each of them may
// hold: open files, say. While less than half of everything is held each account
// may have its full share; beyond that a sixteenth of it, so that a few that hold
// much leave room for the others. It is a count, not a reservation: Room is asked
// before, Take afterwards, and requests under way at the same moment may pass it
// by their number. Safe for concurrent use; its lock is a leaf.
type Cap struct {
	share, total int

	mu      sync.Mutex // guards what follows
	held    map[uint32]int
	sum     int
	refused uint64
}

// NewCap returns a Cap of share for each account and total for all.
func NewCap(share, total int) *Cap {
	return &Cap{share: share, total: total, held: map[uint32]int{}}
}

// Room reports whether the account may hold one more, and counts a refusal if
// not.
func (c *Cap) Room(account uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	share := c.share
	if c.sum >= c.total/2 {
		share = max(1, share/16)
	}
	if c.sum < c.total && c.held[account] < share {
		return true
	}
	c.refused++
	return false
}

// Take counts one more.
func (c *Cap) Take(account uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[account]++
	c.sum++
}

// Give takes back one Take.
func (c *Cap) Give(account uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum--
	if c.held[account]--; c.held[account] == 0 {
		delete(c.held, account)
	}
}

// Held returns how many all accounts hold.
func (c *Cap) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}

// Refused returns how often there was no room.
func (c *Cap) Refused() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}
