package backing

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func name(t *testing.T, s string) Name {
	t.Helper()
	n, e := NewName(s)
	if e != 0 {
		t.Fatalf("NewName(%q) = %v", s, e)
	}
	return n
}

func TestName(t *testing.T) {
	long := make([]byte, 256)
	for i := range long {
		long[i] = 'x'
	}
	for _, tt := range []struct {
		in   string
		want syscall.Errno
	}{
		{"f", 0},
		{"...", 0},
		{"-", 0},
		{"\xff\xfe", 0},
		{string(long[:255]), 0},
		{"", syscall.EINVAL},
		{".", syscall.EINVAL},
		{"..", syscall.EINVAL},
		{"a/b", syscall.EINVAL},
		{"/", syscall.EINVAL},
		{string(long), syscall.ENAMETOOLONG},
	} {
		n, rest, e := InPlace([]byte(tt.in + "\x00rest"))
		if e != tt.want {
			t.Errorf("InPlace(%q) = %v, want %v", tt.in, e, tt.want)
		}
		if e == 0 && (n.String() != tt.in || string(rest) != "rest") {
			t.Errorf("InPlace(%q) = %q, %q", tt.in, n, rest)
		}
		if _, e := NewName(tt.in); e != tt.want {
			t.Errorf("NewName(%q) = %v, want %v", tt.in, e, tt.want)
		}
	}
	if _, _, e := InPlace([]byte("no end")); e != syscall.EINVAL {
		t.Errorf("InPlace without a NUL = %v", e)
	}
	if _, e := NewName("a\x00b"); e != syscall.EINVAL {
		t.Errorf("NewName with a NUL = %v", e)
	}
}

func root(t *testing.T, dir string) *Root {
	t.Helper()
	r, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// TestFind keeps an object through a rename and loses it when it is replaced.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "f")
	if err := os.WriteFile(p, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := root(t, dir)
	if !r.HasHandles() {
		t.Fatal("the temporary directory's file system has no file handles")
	}
	var st Stat
	obj, e := r.Find(r.FD(), name(t, "f"), &st)
	if e != 0 || st.Size != 3 {
		t.Fatalf("Find = %v, size %d", e, st.Size)
	}
	if err := os.Rename(p, p+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte("another"), 0o644); err != nil {
		t.Fatal(err)
	}
	fd, e := r.Open(obj, unix.O_RDONLY)
	if e != 0 {
		t.Fatal(e)
	}
	buf := make([]byte, 10)
	n, e := PreadFull(fd, buf, 0)
	Close(fd)
	if e != 0 || string(buf[:n]) != "old" {
		t.Errorf("the object holds %q, %v", buf[:n], e)
	}
	if err := os.Remove(p + "2"); err != nil {
		t.Fatal(err)
	}
	if _, e := r.Open(obj, unix.O_RDONLY); e != syscall.ESTALE {
		t.Errorf("Open of a removed object = %v, want ESTALE", e)
	}
}

// TestResolve follows links only as far as everything is root's; OpenRoot follows
// none.
func TestResolve(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"real", "user"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(dir, "user"), 61011, 61011); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "real", "chain": "link", "user/link": "../real", "loop": "loop", "viauser": "user/link"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[string]error{
		"real": nil, "link": nil, "chain": nil,
		"user/link": syscall.ELOOP, "viauser": syscall.ELOOP, "loop": syscall.ELOOP,
		"missing": syscall.ENOENT,
	} {
		got, err := Resolve(filepath.Join(dir, p))
		if !errors.Is(err, want) || err == nil && got != filepath.Join(dir, "real") {
			t.Errorf("Resolve(%s) = %s, %v, want %v", p, got, err, want)
		}
		if r, err := OpenRoot(filepath.Join(dir, p)); p == "real" && err == nil {
			r.Close()
		} else if err == nil {
			t.Errorf("OpenRoot(%s) follows a link", p)
			r.Close()
		}
	}
}

// TestReplace swaps the directory behind a descriptor that others hold.
func TestReplace(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(b, "in-b"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ra, err := OpenRoot(a)
	if err != nil {
		t.Fatal(err)
	}
	rb, err := OpenRoot(b)
	if err != nil {
		t.Fatal(err)
	}
	if ra.Same(rb) {
		t.Error("two directories are the same")
	}
	fd := ra.FD()
	now := ra.Replace(rb)
	defer now.Close()
	if now.FD() != fd {
		t.Errorf("the descriptor is %d now, was %d", now.FD(), fd)
	}
	var st Stat
	if e := StatAt(fd, name(t, "in-b"), &st); e != 0 {
		t.Errorf("the old descriptor does not lead to the new directory: %v", e)
	}
}

// TestCreate makes one of everything and looks at owner and mode.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chown(dir, 0, 72); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	r := root(t, dir)
	b := Birth{UID: 71, GID: 72, Mode: 0o2750}
	if e := Mkdir(r.FD(), name(t, "d"), b); e != 0 {
		t.Fatal(e)
	}
	fd, e := CreateFile(r.FD(), name(t, "f"), Birth{UID: 71, GID: 72, Mode: 0o640}, nil)
	if e != 0 {
		t.Fatal(e)
	}
	Close(fd)
	if _, e := CreateFile(r.FD(), name(t, "f"), b, nil); e != syscall.EEXIST {
		t.Errorf("CreateFile over a file = %v, want EEXIST", e)
	}
	if e := Symlink(r.FD(), name(t, "l"), []byte("f\x00"), 71, 72); e != 0 {
		t.Fatal(e)
	}
	for n, mode := range map[string]uint32{"d": unix.S_IFDIR | 0o2750, "f": unix.S_IFREG | 0o640, "l": unix.S_IFLNK | 0o777} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, n), &st); err != nil {
			t.Fatal(err)
		}
		if st.Uid != 71 || st.Gid != 72 || st.Mode != mode {
			t.Errorf("%s is %o %d:%d, want %o 71:72", n, st.Mode, st.Uid, st.Gid, mode)
		}
	}
}

func TestCache(t *testing.T) {
	opened := 0
	open := func() (int, syscall.Errno) {
		opened++
		fd, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
		return fd, errno(err)
	}
	valid := func(fd int) bool {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err == nil
	}
	c := NewCache(2)
	get := func(node uint64) FD {
		t.Helper()
		f, e := c.Get(node, FDPath, open)
		if e != 0 {
			t.Fatal(e)
		}
		return f
	}
	a := get(1)
	if again := get(1); again.Num() != a.Num() || opened != 1 {
		t.Errorf("the second Get opened again (%d opens)", opened)
	} else {
		again.Release()
	}
	for node := uint64(2); node < 6; node++ {
		get(node).Release()
	}
	if !valid(a.Num()) {
		t.Error("a descriptor in use was evicted")
	}
	a.Release()
	if _, ok := c.Borrow(2, FDPath); ok {
		t.Error("the longest unused descriptor was not evicted")
	}

	// Dropped while it is in use: closed when that use ends.
	f := get(7)
	c.Drop(7)
	if !valid(f.Num()) {
		t.Error("a dropped descriptor was closed under its user")
	}
	num := f.Num()
	f.Release()
	c.closing.wait()
	if valid(num) {
		t.Error("a dropped descriptor outlived its last use")
	}

	// Pinned: outlives any number of others.
	p := get(8)
	c.Pin(8)
	p.Release()
	for node := uint64(20); node < 30; node++ {
		get(node).Release()
	}
	if q, ok := c.Borrow(8, FDPath); !ok {
		t.Error("a pinned descriptor was evicted")
	} else {
		q.Release()
	}
	c.Drop(8)
	if _, ok := c.Borrow(8, FDPath); ok {
		t.Error("a pinned descriptor outlived Drop")
	}
	c.Close()
}
