package watch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mount mounts a new file system of that type until the end of the test.
func mount(t testing.TB, typ string) string {
	t.Helper()
	dir := t.TempDir()
	switch typ {
	case "ext4":
		image, err := os.CreateTemp("/dev/shm", "grantfs-watch-")
		must(t, err)
		must(t, image.Truncate(512<<20))
		must(t, image.Close())
		defer os.Remove(image.Name()) // it goes with the mount
		run(t, "mkfs.ext4", "-q", "-F", "-N", "100000", image.Name())
		run(t, "mount", "-o", "loop", image.Name(), dir)
	default:
		must(t, unix.Mount("none", dir, typ, 0, ""))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func run(t testing.TB, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
}

// open watches the file system of dir.
func open(t testing.TB, dir string, own int) *Watch {
	t.Helper()
	f, err := os.Open(dir)
	must(t, err)
	defer f.Close()
	w, err := Open(int(f.Fd()), own)
	must(t, err)
	t.Cleanup(w.Close)
	return w
}

// where returns the names of the directories in b, of those that are there,
// with a - behind those that directories left.
func where(t testing.TB, top string, b Batch) string {
	t.Helper()
	root, err := backing.OpenRoot(top)
	must(t, err)
	defer root.Close()
	var names []string
	for _, d := range b.Dirs {
		fd, e := root.Open(backing.Object{Handle: d.Handle}, unix.O_PATH|unix.O_DIRECTORY)
		if e == syscall.ESTALE {
			continue
		}
		if e != 0 {
			t.Fatal(e)
		}
		name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		backing.Close(fd)
		must(t, err)
		if name = "." + strings.TrimPrefix(name, top); d.Left {
			name += "-"
		}
		names = append(names, name)
	}
	if b.Lost {
		names = append(names, "lost")
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// What can change the sum of a directory is seen where its name is.
func TestSeen(t *testing.T) {
	for _, typ := range []string{"ext4", "tmpfs"} {
		t.Run(typ, func(t *testing.T) {
			top := mount(t, typ)
			run(t, "sh", "-c", "cd "+top+" && mkdir -p a b/c d gone/below && echo 1 >a/f && echo 1 >a/g && ln a/g b/g")
			w := open(t, top, os.Getpid())
			for _, c := range []struct{ script, want string }{
				{"true", ""},
				{"cat a/f; ls -R . >/dev/null; stat a/f; chmod 600 a/f; touch -d 2001-01-01 a/f", ""},
				{"echo x >a/f", "./a"},
				{"echo x >>a/f", "./a"},
				{"truncate -s 1000 a/f", "./a"},
				{"fallocate -l 5000 a/f", "./a"},
				{"fallocate -p -o 0 -l 1000 a/f", "./a"},
				{"dd if=/dev/zero of=a/f bs=1 count=1 conv=notrunc status=none", "./a"},
				{"echo x >b/c/new", "./b/c"},
				{"cp -r a/f d/copy", "./d"},
				{"rm b/c/new", "./b/c"},
				{"mkdir b/c/e", "./b/c"},
				{"rmdir b/c/e", "./b/c-"},
				{"ln -s x d/link; mkfifo d/fifo", "./d"},
				{"mv d/link a/link", "./a ./d"},
				{"mv a/f a/h", "./a"},
				{"mv b/c d/c", "./b- ./d"},
				{"ln a/h b/h", "./b"},
				{"echo 12345 >b/g", "./b"},
				{"rm -r gone", ".-"},
				{"for i in 1 2 3; do mkdir -p many/$i/x && echo 1 >many/$i/x/f; done", ". ./many ./many/1 ./many/1/x ./many/2 ./many/2/x ./many/3 ./many/3/x"},
			} {
				run(t, "sh", "-c", "set -e; cd "+top+"; "+c.script)
				if got := where(t, top, w.Take()); got != c.want {
					t.Errorf("%s: %q, want %q", c.script, got, c.want)
				}
			}
			must(t, os.WriteFile(filepath.Join(top, "own"), []byte("x"), 0o600))
			if got := where(t, top, w.Take()); got != "" || w.Stats().Own == 0 {
				t.Errorf("our own writing: %q, %+v", got, w.Stats())
			}
		})
	}
}

// Whoever waits is told, and told again.
func TestChanged(t *testing.T) {
	top := mount(t, "tmpfs")
	w := open(t, top, 0)
	for i := range 3 {
		must(t, os.Mkdir(filepath.Join(top, fmt.Sprint(i)), 0o700))
		for got := ""; got == ""; got = where(t, top, w.Take()) {
			<-w.Changed()
		}
	}
}

// Thousands of files in one directory are few events, and more than the queue
// holds is not passed over in silence.
func TestOverflow(t *testing.T) {
	top := mount(t, "tmpfs")
	const dirs = 20_000
	for i := range dirs {
		must(t, os.Mkdir(filepath.Join(top, fmt.Sprint(i)), 0o700))
	}
	w := open(t, top, 0)
	w.mu.Lock() // nobody reads
	for i := range dirs {
		must(t, os.WriteFile(filepath.Join(top, "0", fmt.Sprint(i)), []byte("x"), 0o600))
	}
	w.mu.Unlock()
	if got := where(t, top, w.Take()); got != "./0" {
		t.Errorf("many files: %q, want one directory", got)
	}
	if n := w.Stats().Events; n > dirs/10 {
		t.Errorf("%d events for %d files", n, dirs)
	}
	w.mu.Lock()
	for i := range dirs {
		must(t, os.WriteFile(filepath.Join(top, fmt.Sprint(i), "f"), []byte("x"), 0o600))
	}
	w.mu.Unlock()
	b := w.Take()
	if !b.Lost || len(b.Dirs) == 0 || w.Stats().Lost == 0 {
		t.Errorf("lost %t with %d directories, %+v; want an overflow", b.Lost, len(b.Dirs), w.Stats())
	}
	must(t, os.Remove(filepath.Join(top, "7", "f")))
	if got := where(t, top, w.Take()); got != "./7" {
		t.Errorf("after the overflow: %q", got)
	}
}

// What was read is bounded as well.
func TestMaxDirs(t *testing.T) {
	w := &Watch{dirs: make(map[backing.Handle]bool)}
	for i := range maxDirs + 1 {
		h, _ := backing.NewHandle(1, binary.NativeEndian.AppendUint64(nil, uint64(i)+1))
		w.note(event{unix.FAN_MODIFY, 1, h})
	}
	if !w.lost || len(w.dirs) != maxDirs || w.stats.Lost != 1 {
		t.Errorf("lost %t, %d directories, %+v", w.lost, len(w.dirs), w.stats)
	}
}

// A file that is reached without a name that the kernel knows.
func TestNameless(t *testing.T) {
	top := mount(t, "ext4")
	name := filepath.Join(top, "f")
	must(t, os.WriteFile(name, []byte("x"), 0o600))
	f, err := os.Open(name)
	must(t, err)
	h, e := backing.HandleFD(int(f.Fd()))
	must(t, f.Close())
	root, err := backing.OpenRoot(top)
	must(t, err)
	defer root.Close()
	w := open(t, top, 0)
	must(t, unix.Mount("", top, "", unix.MS_REMOUNT, "")) // the kernel forgets names
	fd, e2 := root.Open(backing.Object{Handle: h}, unix.O_WRONLY)
	if e != 0 || e2 != 0 {
		t.Fatal(e, e2)
	}
	_, err = unix.Write(fd, []byte("more"))
	backing.Close(fd)
	must(t, err)
	if got := where(t, top, w.Take()); got != "" {
		t.Errorf("Take = %q: doc.go says that this is not told", got)
	}
}

func TestOpenFails(t *testing.T) {
	for _, typ := range []string{"ramfs", "proc"} {
		f, err := os.Open(mount(t, typ))
		must(t, err)
		_, err = Open(int(f.Fd()), 0)
		var errno syscall.Errno
		if !errors.As(err, &errno) {
			t.Errorf("%s: %v, want an Errno", typ, err)
		}
		must(t, f.Close())
	}
	if _, err := Open(-1, 0); !errors.Is(err, syscall.EBADF) {
		t.Errorf("no directory: %v, want EBADF", err)
	}
}

// encode is what the kernel does.
func encode(mask uint64, pid int32, infoType byte, handleType int32, h []byte) []byte {
	order := binary.NativeEndian
	info := []byte{infoType, 0}
	info = order.AppendUint16(info, uint16(infoSize+handleSize+len(h)))
	info = append(info, make([]byte, 8)...)
	info = order.AppendUint32(info, uint32(len(h)))
	info = order.AppendUint32(info, uint32(handleType))
	info = append(info, h...)
	b := order.AppendUint32(nil, uint32(metadataSize+len(info)))
	b = append(b, unix.FANOTIFY_METADATA_VERSION, 0)
	b = order.AppendUint16(b, metadataSize)
	b = order.AppendUint64(b, mask)
	b = order.AppendUint32(b, uint32(0xffffffff)) // no descriptor
	b = order.AppendUint32(b, uint32(pid))
	return append(b, info...)
}

func TestNext(t *testing.T) {
	good := encode(unix.FAN_CREATE, 7, unix.FAN_EVENT_INFO_TYPE_DFID, 1, []byte("12345678"))
	h, _ := backing.NewHandle(1, []byte("12345678"))
	ev, size := next(append(bytes.Clone(good), 1, 2, 3))
	if diff := cmp.Diff(event{unix.FAN_CREATE, 7, h}, ev, cmp.AllowUnexported(event{}, backing.Handle{})); diff != "" || size != len(good) {
		t.Errorf("next (-want +got), %d bytes:\n%s", size, diff)
	}
	for i := range good {
		if _, size := next(good[:i]); size != 0 {
			t.Errorf("cut at %d: %d bytes", i, size)
		}
	}
	for name, b := range map[string][]byte{
		"another kind": encode(1, 7, unix.FAN_EVENT_INFO_TYPE_PIDFD, 1, []byte("12345678")),
		"empty":        encode(1, 7, unix.FAN_EVENT_INFO_TYPE_DFID, 1, nil),
		"too long":     encode(1, 7, unix.FAN_EVENT_INFO_TYPE_DFID, 1, make([]byte, 100)),
		"no record":    encode(1, 7, unix.FAN_EVENT_INFO_TYPE_DFID, 1, nil)[:metadataSize],
	} {
		binary.NativeEndian.PutUint32(b, uint32(len(b)))
		if ev, size := next(b); size != len(b) || !ev.dir.IsZero() {
			t.Errorf("%s: %d bytes, %v", name, size, ev)
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Add(encode(unix.FAN_CREATE, 7, unix.FAN_EVENT_INFO_TYPE_DFID, 1, []byte("12345678")))
	f.Add(encode(unix.FAN_Q_OVERFLOW, 0, unix.FAN_EVENT_INFO_TYPE_FID, 0, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, size := next(b); size < 0 || size > len(b) {
			t.Fatalf("%d of %d bytes", size, len(b))
		}
	})
}
