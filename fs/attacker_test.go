package fs_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// attacker is one session of the account.
type attacker struct {
	view string
	r    *rand.Rand
	kept []int // directories that it has open
	done *atomic.Int64
	tell func(format string, args ...any)
}

// path returns a path through a place that is being swapped.
func (a *attacker) path() string {
	heads := []string{"d", "e", "file", "fifo", "sock", "link", "deep/n", "deep/n/m", "kept", "."}
	tails := []string{"", "/f", "/sub", "/sub/f", "/sub/g", "/m/f", "/new", "/sub/new", "/" + secretName}
	return heads[a.r.IntN(len(heads))] + tails[a.r.IntN(len(tails))]
}

// fresh is path, but never a name of the secrets.
func (a *attacker) fresh() string {
	for {
		if p := a.path(); !strings.HasSuffix(p, secretName) {
			return p
		}
	}
}

// at returns a directory to start from: the view's root, or one that was opened
// a while ago.
func (a *attacker) at() int { return a.kept[a.r.IntN(len(a.kept))] }

func (a *attacker) sees(what, p string, b []byte) {
	if bytes.Contains(b, []byte(secretText)) || bytes.Contains(b, []byte(secretName)) {
		a.tell("%s of %s shows %.60q", what, p, b)
	}
}

func (a *attacker) stat(p string, flags int) {
	var st unix.Stat_t
	if unix.Fstatat(a.at(), p, &st, flags) == nil && st.Mtim.Sec == secretTime {
		a.tell("stat of %s shows the secret's time", p)
	}
}

func (a *attacker) open(p string, flags int, f func(fd int)) {
	fd, err := unix.Openat(a.at(), p, flags|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		if st.Mtim.Sec == secretTime {
			a.tell("fstat of %s shows the secret's time", p)
		}
		if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR && flags&unix.O_PATH == 0 {
			a.tell("%s was opened as a %o", p, kind)
		}
	}
	f(fd)
}

func (a *attacker) read(p string, flags int) {
	a.open(p, flags, func(fd int) {
		b := make([]byte, 2048)
		if n, err := unix.Read(fd, b); err == nil {
			a.sees("a read", p, b[:n])
		}
	})
}

// act does one thing, whichever. What it answers does not matter, only that it
// does answer and what is seen.
func (a *attacker) act() {
	p, q := a.path(), a.fresh()
	switch a.r.IntN(20) {
	case 0:
		a.stat(p, unix.AT_SYMLINK_NOFOLLOW)
	case 1:
		a.stat(p, 0)
	case 2, 3:
		a.read(p, unix.O_RDONLY)
	case 4:
		a.read(p, unix.O_RDWR)
	case 5:
		a.open(q, unix.O_WRONLY|unix.O_CREAT, func(fd int) { _, _ = unix.Write(fd, []byte("alice was here")) })
	case 6:
		a.open(q, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, func(int) {})
	case 7:
		a.open(p, unix.O_WRONLY|unix.O_TRUNC, func(int) {})
	case 8:
		a.open(p, unix.O_WRONLY|unix.O_APPEND, func(fd int) { _, _ = unix.Write(fd, []byte("alice was here")) })
	case 9:
		_ = unix.Mkdirat(a.at(), q, 0o755)
	case 10:
		_ = unix.Unlinkat(a.at(), p, 0)
	case 11:
		_ = unix.Unlinkat(a.at(), p, unix.AT_REMOVEDIR)
	case 12:
		_ = unix.Renameat(a.at(), p, a.at(), q)
	case 13:
		_ = unix.Renameat2(a.at(), p, a.at(), q, unix.RENAME_EXCHANGE)
	case 14:
		b := make([]byte, 4096)
		if n, err := unix.Readlinkat(a.at(), p, b); err == nil {
			if a.sees("readlink", p, b[:n]); b[0] == '/' || bytes.HasPrefix(b, []byte("../")) {
				a.tell("readlink of %s shows %q", p, b[:n])
			}
		}
	case 15:
		_ = unix.Symlinkat("f", a.at(), q)
	case 16:
		_ = unix.Fchmodat(a.at(), p, 0o600, 0)
	case 17:
		_ = unix.UtimesNanoAt(a.at(), p, []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0)
	case 18:
		a.open(p, unix.O_RDONLY|unix.O_DIRECTORY, func(fd int) {
			b := make([]byte, 16<<10)
			if n, err := unix.Getdents(fd, b); err == nil {
				a.sees("the listing", p, b[:n])
			}
		})
	case 19:
		a.open(p, unix.O_RDONLY, func(from int) {
			a.open(q, unix.O_WRONLY|unix.O_CREAT, func(to int) { _, _ = unix.CopyFileRange(from, nil, to, nil, 4096, 0) })
		})
	}
	a.done.Add(1)
}

// keep opens a directory for later in place of one that is open.
func (a *attacker) keep() {
	fd, err := unix.Openat(a.kept[0], a.path(), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	if len(a.kept) < 4 {
		a.kept = append(a.kept, fd)
		return
	}
	i := 1 + a.r.IntN(3)
	unix.Close(a.kept[i])
	a.kept[i] = fd
}

// run attacks until ctx ends.
func (a *attacker) run(ctx context.Context) {
	root, err := unix.Open(a.view, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		a.tell("open the view: %v", err)
		return
	}
	a.kept = []int{root}
	defer func() {
		for _, fd := range a.kept {
			unix.Close(fd)
		}
	}()
	for ctx.Err() == nil {
		a.act()
		if a.r.IntN(50) == 0 {
			a.keep()
		}
	}
}
