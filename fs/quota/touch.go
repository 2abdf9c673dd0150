package quota

import (
	"context"
	"fmt"

	"grantfs/fs/backing"
)

// maxAppeared is how many files with several names are followed in one round.
const maxAppeared = 1 << 12

// touched is what a Tree remembers of a round: the reading of those directories
// in which others changed something.
type touched struct {
	// remaining are the directories in each one that directories left.
	remaining map[ID]map[ID]bool
	// linkedNames that were not known before: of all names of their files, if
	// those of the source were all read by the end of the round.
	appearing []linkedName
	// strange are directories of others in which we wrote before they were
	// read. True: at the end of the last round already.
	strange map[ID]bool
	// astray: a directory was read in one that is not known.
	astray bool
	// stale: reading single directories did not find everything.
	stale bool
	// resized are linked files that became larger or smaller, elsewhere that one
	// appeared of which names are missing: other sources may hold them.
	resized   map[ID]bool
	elsewhere bool
}

// Reread reads the one directory that dir refers to (O_PATH will do; it remains
// the caller's), which lies in parent, and what is new below it. left says that
// others removed or moved directories from it. Round ends a series of them.
func (t *Tree) Reread(ctx context.Context, root *backing.Root, dir int, parent ID, left bool, opt CountOptions) (err error) {
	c := &counter{tree: t, root: root, opt: opt, touch: true, left: left}
	c.inClass(func() { err = c.from(ctx, dir, parent, true) })
	if err != nil {
		return fmt.Errorf("count again: %w", err)
	}
	return nil
}

// Round ends a series of rereadings in which each directory was read that others
// had changed by its beginning. It returns what they found, for Ledger.Correct:
// nothing as long as the source was not counted as a whole. Where again is set,
// another round is due soon even if nothing changes, where stale is set a Count.
func (t *Tree) Round() (found Charge, again, stale bool) {
	t.mu.Lock()
	t.sweep()
	for _, n := range t.appearing {
		// The missing names are outside the source, where they mean nothing, or
		// in a directory that nobody changed, as a file with one name.
		if k, ok := t.links[n.id]; ok && uint32(k.names) < n.nlink {
			t.stale, t.elsewhere = true, true
		}
	}
	t.appearing = nil
	for dir, old := range t.strange {
		if old {
			t.stale = true
			delete(t.strange, dir)
			continue
		}
		t.strange[dir] = true
		again = true
	}
	stale = t.stale && t.known && !t.pass
	t.mu.Unlock()
	return t.found(), again, stale
}

// Empty says that the source was removed with all that was in it. It returns
// what Count does.
func (t *Tree) Empty() Charge {
	t.mu.Lock()
	for dir := range t.dirs {
		if dir != (ID{}) {
			t.drop(dir)
		}
	}
	t.known, t.stale = true, false
	t.mu.Unlock()
	return t.found()
}

// forget drops a directory that is no more, and with the next sweep what is below
// it. It needs t.mu.
func (t *Tree) forget(dir ID) {
	if t.dirs[dir].inodes > 0 {
		t.remain(dir, nil)
	}
	t.drop(dir)
}

// sweep drops the directories that have left those in remaining and are in no
// other, and those in directories that are not known, with those below them: what
// does lie there after all has come there since the round began, and the next one
// will find it. It needs t.mu.
func (t *Tree) sweep() {
	if len(t.remaining) == 0 && !t.astray {
		return
	}
	gone := make(map[ID]bool)
	for dir, s := range t.dirs {
		remain, left := t.remaining[s.parent]
		_, known := t.dirs[s.parent]
		if left && !remain[dir] || t.astray && !known && s.parent != (ID{}) {
			gone[dir] = true
		}
	}
	clear(t.remaining)
	t.astray = false
	for more := len(gone) > 0; more; {
		more = false
		for dir, s := range t.dirs {
			if gone[s.parent] && !gone[dir] {
				gone[dir], more = true, true
			}
		}
	}
	for dir := range gone {
		t.drop(dir)
	}
}

// seen reports whether the directory dir, which was found in parent, was read:
// since others changed something there (touch), or in this pass.
func (t *Tree) seen(dir, parent ID, birth uint32, touch bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.dirs[dir]
	switch {
	case !ok || !s.read:
		return false
	case touch: // we don't know when those that we made were made
		return s.parent == parent && s.birth == birth
	case s.epoch != t.epoch || s.birth != 0 && s.birth != birth:
		return false
	}
	if parent != (ID{}) {
		t.put(dir, parent)
	}
	return true
}

// put says where a directory is. It needs t.mu.
func (t *Tree) put(dir, parent ID) {
	s, ok := t.dirs[dir]
	if !ok {
		return
	}
	s.parent = parent
	t.dirs[dir] = s
	if remain, ok := t.remaining[parent]; ok {
		remain[dir] = true
	}
}

// remain says which directories are still in dir. It needs t.mu.
func (t *Tree) remain(dir ID, list []child) {
	ids := make(map[ID]bool, len(list))
	for i := range list {
		ids[list[i].id] = true
	}
	t.remaining[dir] = ids
}

// unknown says that we wrote in a directory that was not read. It needs t.mu.
func (t *Tree) unknown(dir ID) {
	if _, ok := t.strange[dir]; !ok && dir != (ID{}) {
		t.strange[dir] = false
	}
}

// Shared says what other trees may have to be counted for, since the last call:
// those that hold one of the files, which have changed their size, whoever did
// that; or, where appeared is set, any, as it is not known which of them holds
// another name of a file that now has several.
func (t *Tree) Shared() (files map[ID]bool, appeared bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	files, appeared = t.resized, t.elsewhere
	t.resized, t.elsewhere = nil, false
	for id := range files {
		if k := t.links[id]; uint32(k.names) >= k.nlink {
			delete(files, id) // all of its names are here, or it has one
		}
	}
	return files, appeared
}

// Holds reports whether the tree knows one of those files with several names.
func (t *Tree) Holds(files map[ID]bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range files {
		if _, ok := t.links[id]; ok {
			return true
		}
	}
	return false
}

// resize says that a linked file has another size. It needs t.mu.
func (t *Tree) resize(id ID) {
	if t.resized == nil {
		t.resized = make(map[ID]bool)
	}
	t.resized[id] = true
}

// appeared says that a name was found of a file with several. It needs t.mu.
func (t *Tree) appeared(n linkedName) {
	if len(t.appearing) == maxAppeared {
		t.stale = true
		return
	}
	t.appearing = append(t.appearing, n)
}
