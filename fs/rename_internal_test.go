package fs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// judgedEnds opens the names a and b of a directory for a rename, as if they had been
// judged; one of them may be given the attributes of something else, as if that
// had been there then.
func judgedEnds(t *testing.T, c *call, wrongA, wrongB bool) (dir string, a, b end) {
	t.Helper()
	dir = t.TempDir()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, name := range []string{"a", "b", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string, wrong bool, st *backing.Stat) end {
		n, _ := backing.NewName(name)
		if wrong {
			other, _ := backing.NewName("other")
			backing.StatAt(fd, other, st)
		} else {
			backing.StatAt(fd, n, st)
		}
		return end{name: n, fd: backing.Lent(fd), t: policy.Target{Name: name, Type: policy.TypeFile}}
	}
	return dir, read("a", wrongA, &c.stat), read("b", wrongB, &c.stat2)
}

// TestJudged: what was put at a name after it was judged is not moved, or is put
// back.
func TestJudged(t *testing.T) {
	move := func(c *call, a, b end) syscall.Errno {
		if err := unix.Unlinkat(b.fd.Num(), "b", 0); err != nil {
			t.Fatal(err)
		}
		b.t.Type = policy.TypeNone
		return renameJudged(c, a, b, 0)
	}
	refilled := func(c *call, a, b end) syscall.Errno {
		if err := unix.Renameat(a.fd.Num(), "a", b.fd.Num(), "b"); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkdirat(a.fd.Num(), "a", 0o755); err != nil {
			t.Fatal(err)
		}
		return putBack(a, b)
	}
	appeared := func(c *call, a, b end) syscall.Errno {
		b.t.Type = policy.TypeNone
		return renameJudged(c, a, b, 0)
	}
	reopened := func(c *call, a, _ end) syscall.Errno {
		fd, errno := backing.OpenFile(a.fd.Num(), a.name, &c.stat)
		if errno == 0 {
			backing.Close(fd)
		}
		return errno
	}
	for _, tt := range []struct {
		name           string
		do             func(*call, end, end) syscall.Errno
		wrongA, wrongB bool
		want           syscall.Errno
		a, b           string // what the names lead to afterwards
		beside         string // and a~1
	}{
		{"move", move, false, false, 0, "", "a", ""},
		{"move another", move, true, false, syscall.EAGAIN, "a", "", ""},
		{"put back where another has come", refilled, false, false, 0, "", "", "a"},
		{"move onto what has come", appeared, false, false, syscall.EACCES, "a", "b", ""},
		{"exchange", swapJudged, false, false, 0, "b", "a", ""},
		{"exchange another", swapJudged, true, false, syscall.EAGAIN, "a", "b", ""},
		{"exchange with another", swapJudged, false, true, syscall.EAGAIN, "a", "b", ""},
		{"open to re-own", reopened, false, false, 0, "a", "b", ""},
		{"open another to re-own", reopened, true, false, syscall.ESTALE, "a", "b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &call{}
			dir, a, b := judgedEnds(t, c, tt.wrongA, tt.wrongB)
			if got := tt.do(c, a, b); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			for name, want := range map[string]string{"a": tt.a, "b": tt.b, "a~1": tt.beside, "other": "other"} {
				got, err := os.ReadFile(filepath.Join(dir, name))
				if string(got) != want || (err != nil) != (want == "") {
					t.Errorf("%s holds %q, %v, want %q", name, got, err, want)
				}
			}
		})
	}
}
