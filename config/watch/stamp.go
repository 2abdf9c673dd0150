package watch

import (
	"io/fs"
	"syscall"
	"time"
)

// Stamp tells one text of a file from another, unless it is written twice within
// Granularity. The zero Stamp is that of no file.
type Stamp struct {
	ino          uint64
	size         int64
	mtime, ctime syscall.Timespec
}

// StampOf returns the stamp of a file.
func StampOf(info fs.FileInfo) Stamp {
	st := info.Sys().(*syscall.Stat_t)
	return Stamp{st.Ino, st.Size, st.Mtim, st.Ctim}
}

// Granularity is more than the steps of a file system's clock.
const Granularity = 100 * time.Millisecond

// Settled reports whether a change after now would show in another stamp.
func (s Stamp) Settled(now time.Time) bool {
	return now.Sub(s.Changed()) > Granularity
}

// Changed returns when the file, or its mode or owner, was changed last.
func (s Stamp) Changed() time.Time { return time.Unix(s.ctime.Unix()) }
