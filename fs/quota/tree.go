package quota

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// ID is a directory or file of a source. The zero ID, as a directory, holds what
// has no name any more but is still open.
type ID struct{ Dev, Ino uint64 }

// Tree knows of one source what each directory in it holds, as it was read last
// with every change of ours since. So it can say what a reading finds that we
// did not do, while we go on writing. It is safe for concurrent use.
//
// The sum of a directory is replaced when it is read. A reading during which an
// operation of ours was under way in that directory says nothing and is done
// again; after some of them one begins when none is under way, and those to come
// wait for its end. Nobody waits for an operation but who reads.
type Tree struct {
	mu      sync.Mutex // guards what follows
	quiet   sync.Cond  // the reading that others wait for has ended, or the last operation in wanted
	dirs    map[ID]sum
	busy    []ID // the directories of operations under way: few
	links   map[ID]link
	linked  map[ID][]ID // the names of linked files in each directory
	reading ID
	active  bool // reading is being read
	dirty   bool // an operation was under way in it meanwhile
	born    []ID // what we made, or moved, meanwhile
	holding bool // operations in reading wait for its end
	wanted  ID   // is to be read when no operation is under way in it
	epoch   uint32
	off     Charge // the sum of dirs and links, less what the ledger was told
	known   bool   // the source was counted as a whole
	pass    bool   // it is being counted as a whole
	moved   []int  // descriptors of directories that we moved meanwhile
	touched
}

// sum is what the names in one directory cost, without linked files.
type sum struct {
	bytes         int64
	files, inodes int32
	epoch         uint32 // of the pass that read it last, or that we made it in
	birth         uint32 // when it was made, as far as that tells it from another one; 0: not known
	parent        ID     // that holds it; zero: not known, or the source itself
	read          bool   // else it is what we changed only
}

// link is a file with several names in a source: it is charged once.
type link struct {
	bytes int64
	names int32 // that were seen
	nlink uint32
}

func (s sum) charge() Charge { return Charge{s.bytes, int64(s.files), int64(s.inodes)} }

func (k link) charge() Charge { return Charge{k.bytes, 1, 1} }

// NewTree returns the tree of a source for which the ledger has known so far,
// before any operation in it.
func NewTree(known Charge) *Tree {
	t := &Tree{
		dirs: make(map[ID]sum), links: make(map[ID]link), linked: make(map[ID][]ID),
		off:     known.Neg(),
		touched: touched{strange: make(map[ID]bool), remaining: make(map[ID]map[ID]bool)},
	}
	t.quiet.L = &t.mu
	return t
}

// Enter begins an operation that may change what the directories dirs hold. It
// may wait until one of them was read. Leave ends it, after Note.
func (t *Tree) Enter(dirs ...ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.holding && slices.Contains(dirs, t.reading) {
		t.quiet.Wait()
	}
	t.busy = append(t.busy, dirs...)
	if t.active && slices.Contains(dirs, t.reading) {
		t.dirty = true
	}
}

// Leave ends what Enter began.
func (t *Tree) Leave(dirs ...ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, dir := range dirs {
		if i := slices.Index(t.busy, dir); i >= 0 {
			t.busy = slices.Delete(t.busy, i, i+1)
		}
		if dir == t.wanted {
			t.quiet.Broadcast()
		}
	}
}

// Note says that an operation of ours changed what object, a file in dir, costs,
// and that the ledger was told. A rename within the source is two of them, of
// which the ledger learns nothing; a file that keeps other names costs the same
// after a rename or an unlink, and is not noted. What loses its last name while it is open goes
// from its directory to the zero ID, without a change for the ledger.
func (t *Tree) Note(dir, object ID, change Charge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k, ok := t.links[object]; ok {
		t.dirty = true // it may have a name in the directory that is being read
		switch {
		case change.Inodes == 0: // another size
			k.bytes, _ = add(k.bytes, change.Bytes)
			t.links[object] = k
			t.resize(object)
			return
		case change.Inodes > 0: // it has the number of one that vanished
			t.off = t.off.Sub(k.charge())
			delete(t.links, object)
		case slices.Contains(t.linked[dir], object): // it has one name, or none any more: now its directory holds it
			change = change.Plus(k.charge())
			delete(t.links, object)
		default: // one of others has its number already: dir was not read since
		}
	}
	if t.active && change.Inodes > 0 {
		t.born = append(t.born, object)
	}
	s, ok := t.dirs[dir]
	if !ok {
		s.epoch = t.epoch // somebody made dir where this pass has been already
		t.unknown(dir)
	}
	s.bytes, _ = add(s.bytes, change.Bytes)
	s.files += int32(change.Files)
	s.inodes += int32(change.Inodes)
	t.dirs[dir] = s
}

// Inherit says that a predecessor has charged object, a file without a name that is
// open, with so much.
func (t *Tree) Inherit(object ID, cost Charge) {
	t.Note(ID{}, object, cost)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off = t.off.Plus(cost)
}

// Made says that we made the directory dir, which is empty, in parent.
func (t *Tree) Made(dir, parent ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.dirs[dir]
	if known { // it has the number of one that vanished
		t.forget(dir)
		t.stale = true // or of one whose end we are still to note
	}
	t.dirs[dir] = sum{epoch: t.epoch, read: !known}
	t.put(dir, parent)
}

// Gone says that we removed the directory dir. What it holds by what we know
// others have removed before, which the next count finds: its number may be
// another directory's by now.
func (t *Tree) Gone(dir ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.dirs[dir]
	switch {
	case !ok:
	case s.charge() == (Charge{}) && len(t.linked[dir]) == 0:
		delete(t.dirs, dir)
	default:
		t.stale = true
	}
}

// Moved says that we moved the directory dir, which fd (which remains the
// caller's) refers to, to parent: a count under way may have passed its new place
// already.
func (t *Tree) Moved(dir, parent ID, fd int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.dirs[dir]; !ok || !s.read {
		t.stale = true // others had moved it before, and that was not read yet
	}
	t.put(dir, parent)
	if !t.pass {
		return nil
	}
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		t.moved = append(t.moved, dup)
	}
	return err
}

// drop forgets a directory. It needs t.mu.
func (t *Tree) drop(dir ID) {
	if s, ok := t.dirs[dir]; ok {
		t.off = t.off.Sub(s.charge())
		delete(t.dirs, dir)
	}
	t.unlink(t.linked[dir])
	delete(t.linked, dir)
	delete(t.strange, dir)
}

// unlink takes away names of linked files. It needs t.mu.
func (t *Tree) unlink(names []ID) {
	for _, id := range names {
		k, ok := t.links[id]
		if !ok {
			continue
		}
		if k.names--; k.names > 0 {
			t.links[id] = k
			continue
		}
		t.off = t.off.Sub(k.charge())
		delete(t.links, id)
	}
}

// listing is what a reading of one directory found.
type listing struct {
	sum    sum
	linked []linkedName
	subs   []child // the directories in it
	touch  bool    // it was read because others changed something in it
	left   bool    // and directories went from it
}

type linkedName struct {
	id    ID
	bytes int64
	nlink uint32
}

// child is a directory in a directory.
type child struct {
	name  string
	id    ID
	birth uint32
}

// begin begins the reading of dir.
func (t *Tree) begin(dir ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reading, t.active, t.dirty, t.born = dir, true, slices.Contains(t.busy, dir), t.born[:0]
}

// hold begins the reading of dir when no operation is under way in it; those to
// come wait until its end.
func (t *Tree) hold(ctx context.Context, dir ID) error {
	stop := context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.quiet.Broadcast()
	})
	defer stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.wanted = dir; slices.Contains(t.busy, dir); t.quiet.Wait() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	t.reading, t.active, t.dirty, t.holding, t.born = dir, true, false, true, t.born[:0]
	return nil
}

// end ends a reading and takes its result, if it is one: nil is none.
func (t *Tree) end(l *listing) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	ok := l != nil && (t.holding || !t.dirty && (len(l.linked) == 0 || len(t.busy) == 0 && !t.reborn(l.linked)))
	if ok {
		t.replace(t.reading, l)
	}
	if t.holding {
		t.wanted = ID{}
		t.quiet.Broadcast()
	}
	t.active, t.holding = false, false
	return ok
}

// reborn reports whether one of those files may have vanished since it was read,
// and have left its number to one that we made. It needs t.mu.
func (t *Tree) reborn(linked []linkedName) bool {
	return slices.ContainsFunc(linked, func(n linkedName) bool { return slices.Contains(t.born, n.id) })
}

// replace needs t.mu.
func (t *Tree) replace(dir ID, l *listing) {
	l.sum.epoch, l.sum.read = t.epoch, true
	if l.sum.parent == (ID{}) {
		l.sum.parent = t.dirs[dir].parent
	}
	if l.touch && t.pass {
		l.sum.epoch-- // the pass is still to go there, and below it
	}
	if _, ok := t.dirs[l.sum.parent]; !ok && l.sum.parent != (ID{}) {
		t.astray = true
	}
	delete(t.strange, dir)
	if old := t.dirs[dir]; l.left || l.touch && old.inodes > 0 && old.birth != l.sum.birth { // perhaps it has the number of one that vanished
		t.remain(dir, l.subs)
	}
	t.off = t.off.Plus(l.sum.charge()).Sub(t.dirs[dir].charge())
	t.dirs[dir] = l.sum
	old := t.linked[dir]
	delete(t.linked, dir)
	for _, n := range l.linked {
		k, ok := t.links[n.id]
		if ok {
			t.off = t.off.Sub(k.charge())
		}
		if !ok && l.touch {
			t.appeared(n)
		}
		if k.bytes != n.bytes && l.touch {
			t.resize(n.id)
		}
		k.bytes, k.names, k.nlink = n.bytes, k.names+1, n.nlink
		t.off = t.off.Plus(k.charge())
		t.links[n.id] = k
		t.linked[dir] = append(t.linked[dir], n.id)
	}
	t.unlink(old)
}

// start begins to count the source as a whole.
func (t *Tree) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
	t.pass, t.stale = true, false
}

// next returns a directory that we moved since start, for the caller to close.
// If there is none, what was not read since start is dropped: the source is
// counted.
func (t *Tree) next() (fd int, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.moved) - 1; n >= 0 {
		fd = t.moved[n]
		t.moved = t.moved[:n]
		return fd, true
	}
	t.sweep()
	for dir, s := range t.dirs {
		if s.epoch != t.epoch && dir != (ID{}) {
			t.drop(dir)
		}
	}
	t.pass, t.known = false, true
	return 0, false
}

// abandon ends a count that did not come to its end.
func (t *Tree) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, fd := range t.moved {
		unix.Close(fd)
	}
	t.pass, t.moved = false, nil
}

// found returns what the ledger is to be told and takes it for told: nothing as
// long as the source was never counted as a whole.
func (t *Tree) found() Charge {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known {
		return Charge{}
	}
	found := t.off
	t.off = Charge{}
	return found
}
