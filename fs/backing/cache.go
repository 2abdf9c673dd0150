package backing

import (
	"container/list"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Cache keeps descriptors of objects open, at most a fixed number of idle ones,
// so that how many descriptors the process holds does not grow with what
// clients keep open. Descriptors in use are never closed.
type Cache struct {
	mu    sync.Mutex // guards everything below
	max   int
	items map[cacheKey]*cached
	idle  *list.List // of *cached, the longest unused in front

	closing closer
}

// FDKind is what a descriptor is open for.
type FDKind uint8

// The kinds.
const (
	FDPath  FDKind = iota // O_PATH: to stat, to walk, to register
	FDRead                // O_RDONLY
	FDWrite               // O_RDWR
	fdKinds
)

type cacheKey struct {
	node uint64
	kind FDKind
}

type cached struct {
	key     cacheKey
	fd      int
	uses    int
	pinned  bool // keeps an inode that has no name any more
	dropped bool // close when the last use ends
	element *list.Element
	since   time.Time // when it became idle
}

// FD is a descriptor borrowed from a Cache. Release it after use.
type FD struct {
	num   int
	cache *Cache // nil: lent by somebody who keeps it open anyway
	item  *cached
}

// Lent returns an FD for a descriptor that stays open without a Cache.
func Lent(fd int) FD { return FD{num: fd} }

// Num returns the descriptor's number.
func (f FD) Num() int { return f.num }

// Release gives the descriptor back.
func (f FD) Release() {
	c := f.cache
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.item.uses--
	if f.item.uses > 0 {
		return
	}
	if f.item.dropped {
		c.closing.add(f.item.fd)
		return
	}
	if !f.item.pinned {
		f.item.element, f.item.since = c.idle.PushBack(f.item), time.Now()
		c.evict()
	}
}

// NewCache returns a cache that keeps at most max idle descriptors.
func NewCache(max int) *Cache {
	return &Cache{max: max, items: map[cacheKey]*cached{}, idle: list.New()}
}

// Get borrows the descriptor of a node, opening it with open when there is
// none. The open runs without the lock; of two at once one result is kept.
func (c *Cache) Get(node uint64, kind FDKind, open func() (int, syscall.Errno)) (FD, syscall.Errno) {
	key := cacheKey{node, kind}
	if f, ok := c.borrow(key); ok {
		return f, 0
	}
	fd, e := open()
	if e != 0 {
		return FD{}, e
	}
	return c.Put(node, kind, fd), 0
}

// Put hands an open descriptor to the cache and borrows it, or the one that is
// there already; fd is the cache's from then on.
func (c *Cache) Put(node uint64, kind FDKind, fd int) FD {
	key := cacheKey{node, kind}
	c.mu.Lock()
	item, there := c.items[key]
	if !there {
		item = &cached{key: key, fd: fd}
		c.items[key] = item
	}
	c.use(item)
	c.mu.Unlock()
	if there {
		unix.Close(fd)
	}
	return FD{item.fd, c, item}
}

func (c *Cache) borrow(key cacheKey) (FD, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.items[key]
	if !ok {
		return FD{}, false
	}
	c.use(item)
	return FD{item.fd, c, item}, true
}

func (c *Cache) use(item *cached) {
	item.uses++
	if item.element != nil {
		c.idle.Remove(item.element)
		item.element = nil
	}
}

// evict closes the longest unused descriptors above the limit.
func (c *Cache) evict() {
	for c.idle.Len() > c.max {
		c.shut(c.idle.Front().Value.(*cached))
	}
}

// shut closes an idle descriptor. The caller holds mu.
func (c *Cache) shut(item *cached) {
	c.idle.Remove(item.element)
	delete(c.items, item.key)
	c.closing.add(item.fd)
}

// Expire closes the descriptors that have been idle since before a time: they
// keep the space of a file that somebody else has deleted.
func (c *Cache) Expire(before time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.idle.Front(); e != nil && e.Value.(*cached).since.Before(before); e = c.idle.Front() {
		c.shut(e.Value.(*cached))
	}
}

// Borrow borrows the descriptor of a node if it is open already.
func (c *Cache) Borrow(node uint64, kind FDKind) (FD, bool) {
	return c.borrow(cacheKey{node, kind})
}

// Pin keeps the node's descriptors until Drop, even when idle: their inode has
// lost its last name and could not be opened again.
func (c *Cache) Pin(node uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind := range fdKinds {
		if item, ok := c.items[cacheKey{node, kind}]; ok {
			item.pinned = true
			if item.element != nil {
				c.idle.Remove(item.element)
				item.element = nil
			}
		}
	}
}

// Unpin takes Pin back.
func (c *Cache) Unpin(node uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind := range fdKinds {
		if item, ok := c.items[cacheKey{node, kind}]; ok && item.pinned {
			item.pinned = false
			if item.uses == 0 {
				item.element, item.since = c.idle.PushBack(item), time.Now()
			}
		}
	}
	c.evict()
}

// Drop closes the node's descriptors, those in use when their use ends.
func (c *Cache) Drop(node uint64) {
	for kind := range fdKinds {
		if item := c.take(cacheKey{node, kind}); item != nil {
			c.closing.add(item.fd)
		}
	}
}

// CloseKind closes the node's descriptor of one kind before it returns, which may
// last; one that is in use is closed after its use ends.
func (c *Cache) CloseKind(node uint64, kind FDKind) {
	if item := c.take(cacheKey{node, kind}); item != nil {
		unix.Close(item.fd)
	}
}

// take takes a descriptor out; nil if there is none that is not in use.
func (c *Cache) take(key cacheKey) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.items[key]
	if !ok {
		return nil
	}
	delete(c.items, key)
	if item.element != nil {
		c.idle.Remove(item.element)
		item.element = nil
	}
	if item.uses > 0 {
		item.dropped = true
		return nil
	}
	return item
}

// Close closes every idle descriptor and waits for those that are being closed;
// nothing may be borrowed any more.
func (c *Cache) Close() {
	c.mu.Lock()
	for key, item := range c.items {
		delete(c.items, key)
		c.closing.add(item.fd)
	}
	c.idle.Init()
	c.mu.Unlock()
	c.closing.wait()
}

// Idle returns how many descriptors are kept for later use.
func (c *Cache) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.idle.Len()
}
