package node

import "errors"

const (
	// viewSoft is how many nodes a view may have and still get more by listing
	// directories; viewHard is how many it may have at all. The kernel forgets
	// only when memory is short, so an account must be able to walk through more
	// than it needs at a time; but not to use up the memory of the others.
	viewSoft = 1 << 18
	viewHard = 1 << 22
)

const (
	// MaxDepth is how many directories below its mount's root an object may lie.
	// What leads to it is walked again and again, for a cycle with Table.mu held: an
	// account that makes directories relative to one another must not be able to
	// make everybody wait for that. A path in one piece is at most 2,048 deep.
	MaxDepth = 4096
	// maxChain is how many nodes may lie above another: those below the mount's
	// root and those that lead to it, which are named by one path.
	maxChain = 2 * MaxDepth
)

// ErrDeep is returned for a place that lies too deep.
var ErrDeep = errors.New("a place lies too deep")

// Ascent is a walk up the tree, which ends where no tree of a view goes.
type Ascent int

// Step reports whether the walk may go up once more.
func (a *Ascent) Step() bool {
	*a++
	return *a <= maxChain
}

// Limit replaces how many nodes a view may have and still get more by
// listings, and how many it may have at all.
func (t *Table) Limit(soft, hard int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.soft, t.hard = soft, hard
}

// Crowded reports whether a view has so many nodes that a listing should not
// add to them: the kernel looks up what it is asked for.
func (t *Table) Crowded(view uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodesOf(view) >= t.soft
}

// Full reports whether a view has all the nodes that it may have.
func (t *Table) Full(view uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodesOf(view) >= t.hard
}

// count counts one more live node of a view.
func (t *Table) count(view uint32) {
	for int(view) >= len(t.views) {
		t.views = append(t.views, 0)
	}
	t.views[view]++
	t.live++
}

func (t *Table) nodesOf(view uint32) int {
	if int(view) >= len(t.views) {
		return 0
	}
	return t.views[view]
}
