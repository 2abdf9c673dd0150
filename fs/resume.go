package fs

import (
	"bytes"
	"syscall"
	"time"
	"unsafe"

	"grantfs/fs/backing"
	"grantfs/fs/kernel"
	"grantfs/policy"
)

// A request that a process read and did not answer before it was killed comes
// again, to its successor. What can't be done twice is written down beforehand
// (note), and judged by the objects that lie at its names now, never by what the
// system call would say: done, not done, or neither, which is EIO.

// note is what a successor must know of a request.
type note struct {
	begun  bool
	object ident    // that is made, moved or removed, once it is known
	victim ident    // that it takes the place of
	since  int64    // before something was made, in Unix nanoseconds
	end    int64    // of the file, before something was appended
	length int64    // of that
	skip   int64    // of the request's data, which was appended before that
	handle uint64   // that was registered
	moved  [2]int64 // bytes that the account's transfer counters have been charged with, by limit.Direction
}

// It fits, by the compiler: the constant may not be negative.
const _ = uint(kernel.NoteSize - unsafe.Sizeof(note{}))

// ident tells an object from all others: inode numbers come again, but not with
// the same time of birth.
type ident struct {
	dev, ino uint64
	born     int64
}

func identOf(st *backing.Stat) ident {
	return ident{backing.Dev(st), st.Ino, st.Btime.Sec*int64(time.Second) + int64(st.Btime.Nsec)}
}

func noteOf(n *kernel.Note) *note { return (*note)(unsafe.Pointer(n)) }

func (c *call) note() *note { return noteOf(c.request.Note()) }

// resumed reports whether a predecessor was about to do what the request asks
// for, and may have done it.
func (c *call) resumed() bool { return c.request.Resumed() && c.note().begun }

// begin writes down what is about to be done: st describes the object, or is nil
// where that is made, and over what it takes the place of.
func (c *call) begin(st, over *backing.Stat) {
	n := c.note()
	n.object, n.victim = ident{}, ident{}
	n.since = time.Now().UnixNano()
	if st != nil {
		n.object = identOf(st)
	}
	if over != nil {
		n.victim = identOf(over)
	}
	n.begun = true
	c.request.Step(kernel.StepNoted)
}

// making writes down what is being made, before it has its name or just after.
func (c *call) making(st *backing.Stat) {
	c.request.Step(kernel.StepMade)
	c.note().object = identOf(st)
}

// forgetHandle takes back the handle that a request has registered and nobody was
// told of, or ends the one that it was to end.
func (s *Server) forgetHandle(n *note) {
	if n.handle != 0 {
		s.letGo(n.handle)
		n.handle = 0
	}
}

// clockStep is by how much a time of birth may lie before the clock's: file
// systems use a coarse one.
const clockStep = 20 * time.Millisecond

// madeBefore reports whether what is called name in dir is what a predecessor has
// made for this request.
func (s *Server) madeBefore(c *call, dir spot, name backing.Name, t policy.FileType) bool {
	if !c.resumed() {
		return false
	}
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return false
	}
	defer fd.Release()
	if backing.StatAt(fd.Num(), name, &c.stat) != 0 || typeOf(&c.stat) != t {
		return false
	}
	n := c.note()
	if n.object != (ident{}) {
		return identOf(&c.stat) == n.object
	}
	// It died between making it and looking at it, or before.
	return c.stat.Uid == s.ownerIn(dir) && identOf(&c.stat).born >= n.since-int64(clockStep)
}

// ownerIn returns the owner of what is born in dir.
func (s *Server) ownerIn(dir spot) uint32 {
	m := dir.where.Place.Mount()
	if m.Owner != nil {
		return m.Owner.UID
	}
	return s.ownerOf(dir, m)
}

// answerMade replies with the entry of what was made at name before.
func (s *Server) answerMade(c *call, dir spot, name backing.Name) syscall.Errno {
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	return s.answerChild(c, dir, fd.Num(), name)
}

// createdBefore returns the file called name in dir and counts a lookup, if a
// predecessor has made it for this request.
func (s *Server) createdBefore(c *call, dir spot, name backing.Name) (spot, bool) {
	if !s.madeBefore(c, dir, name, policy.TypeFile) {
		return spot{}, false
	}
	sp, errno := s.child(c, dir, name)
	return sp, errno == 0
}

// is reports whether what is called name in dir is the object; absent that there
// is nothing.
func (o ident) is(dir int, name backing.Name) (is, absent bool) {
	var st backing.Stat
	switch backing.StatAt(dir, name, &st) {
	case 0:
		return identOf(&st) == o, false
	case syscall.ENOENT:
		return false, true
	}
	return false, false
}

// fate is what has become of what a predecessor was about to do.
type fate uint8

const (
	fateUndone  fate = iota
	fateDone         // by it
	fateUnknown      // others have been there since
)

func (f fate) errno() syscall.Errno {
	if f == fateUnknown {
		return syscall.EIO
	}
	return 0
}

// fateOfRemoval judges the removal of name in dir.
func (s *Server) fateOfRemoval(c *call, dir spot, name backing.Name) fate {
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return fateUnknown
	}
	defer fd.Release()
	switch is, absent := c.note().object.is(fd.Num(), name); {
	case is:
		return fateUndone
	case absent:
		return fateDone
	}
	return fateUnknown
}

// fateOfRename judges a rename.
func (s *Server) fateOfRename(c *call, from, to end) fate {
	return s.atEnds(c, from, to, func(a, b int) fate {
		n := c.note()
		moved, _ := n.object.is(b, to.name)
		stays, _ := n.object.is(a, from.name)
		switch {
		case moved:
			return fateDone
		case stays:
			return fateUndone
		}
		return fateUnknown
	})
}

// fateOfExchange judges an exchange.
func (s *Server) fateOfExchange(c *call, x, y end) fate {
	return s.atEnds(c, x, y, func(a, b int) fate {
		n := c.note()
		if is, _ := n.object.is(a, x.name); is {
			return fateUndone
		}
		first, _ := n.victim.is(a, x.name)
		second, _ := n.object.is(b, y.name)
		if first && second {
			return fateDone
		}
		return fateUnknown
	})
}

func (s *Server) atEnds(c *call, from, to end, judge func(from, to int) fate) fate {
	a, errno := s.dirFD(c, from.dir)
	if errno != 0 {
		return fateUnknown
	}
	defer a.Release()
	b, errno := s.dirFD(c, to.dir)
	if errno != 0 {
		return fateUnknown
	}
	defer b.Release()
	return judge(a.Num(), b.Num())
}

// renamedBefore answers a rename that a predecessor has done, or others have made
// impossible to judge.
func (s *Server) renamedBefore(c *call, f fate, from, to end) syscall.Errno {
	if f != fateDone {
		return f.errno()
	}
	s.follow(c, from, to)
	return 0
}

// follow moves the node of what a predecessor has moved from one end to another.
func (s *Server) follow(c *call, from, to end) {
	fd, errno := s.dirFD(c, to.dir)
	if errno != 0 {
		return
	}
	defer fd.Release()
	if backing.StatAt(fd.Num(), to.name, &c.stat) == 0 {
		from.node, from.known = s.known(to.dir, fd.Num(), to.name, &c.stat)
		s.moved(from, to)
	}
}

// appended returns how much of b was appended before, and whether that is all that
// the request was about to: as much as lies where it was to lie. A write that was
// cut short has ended with a page, or with the file.
func (c *call) appended(fd int, b []byte) (n int, all bool) {
	if !c.resumed() {
		return 0, false
	}
	note := c.note()
	b = b[min(note.skip, int64(len(b))):]
	b = b[:min(note.length, int64(len(b)))]
	there := make([]byte, len(b)+1)
	got, errno := backing.PreadFull(fd, there, note.end)
	if errno != 0 {
		return int(note.skip), false
	}
	n = landed(there[:got], b, note.end)
	return int(note.skip) + n, n == len(b)
}

// landed returns how much of b was written at end, where the file now holds there
// (of which one byte more than b has is enough).
func landed(there, b []byte, end int64) int {
	n := 0
	for n < len(b) && n < len(there) && there[n] == b[n] {
		n++
	}
	if n < len(b) && n < len(there) && (end+int64(n))%pageSize != 0 {
		return 0 // others have appended that, after a beginning like ours
	}
	return n
}

const pageSize = 4096

// appending writes down that n bytes are about to be appended at the end of the
// file, behind what was appended of the same request already.
func (c *call) appending(end, n int64, before int) {
	note := c.note()
	note.begun = false
	note.end, note.length, note.skip = end, n, int64(before)
	note.begun = true
	c.request.Step(kernel.StepNoted)
}

// sameLink reports whether the symlink called name in dir says text, which ends with
// a NUL.
func (s *Server) sameLink(c *call, dir spot, name backing.Name, text []byte) bool {
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return false
	}
	defer fd.Release()
	there, errno := backing.ReadlinkAt(fd.Num(), name)
	return errno == 0 && bytes.Equal(there, text[:len(text)-1])
}
