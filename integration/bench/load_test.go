package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// load is one workload as its process is told of it.
type load struct {
	Name  string        `json:"name"`  // of a row in loads
	Path  string        `json:"path"`  // file or directory in the contender's tree
	Size  int           `json:"size"`  // of a block in bytes
	Total int           `json:"total"` // bytes to write, or files to make
	Cold  bool          `json:"cold"`  // the parent drops caches before it starts
	Spell time.Duration `json:"spell"` // how long to go on where there is no end
	Part  int           `json:"part"`  // this process's number
	Parts int           `json:"parts"` // of so many at once
}

// done is what a workload reports: how much of its unit it did, in what time.
type done struct {
	Amount float64 `json:"amount"`
	Nanos  int64   `json:"nanos"`
}

// watch is the stopwatch of a workload. The first start waits for the parent's
// word.
type watch struct {
	told  bool
	since time.Time
	total time.Duration
}

func (w *watch) start() {
	if !w.told {
		w.told = true
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // a parent that is gone starts it too, for nobody
	}
	w.since = time.Now()
}

func (w *watch) stop() { w.total += time.Since(w.since) }

// running is the time measured so far.
func (w *watch) running() time.Duration { return w.total + time.Since(w.since) }

// work is the process of one workload: it prepares, says "ready", waits for a
// line, works and reports. The runtime is kept out of the way: one thread, no
// collector, system calls without the scheduler.
func work(name, args string) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	var l load
	if err := json.Unmarshal([]byte(args), &l); err != nil {
		return fmt.Errorf("workload: %w", err)
	}
	var w watch
	amount, err := loads[name](l, &w)
	if err != nil {
		return fmt.Errorf("workload %s on %s: %w", name, l.Path, err)
	}
	return json.NewEncoder(os.Stdout).Encode(done{amount, w.total.Nanoseconds()})
}

// loads are the workloads by name; each returns how much it did.
var loads = map[string]func(load, *watch) (float64, error){
	"read": seqRead, "random": randomRead, "write": seqWrite, "open": openClose,
	"stat": statNames, "list": listLong, "warm": listWarm, "find": find, "create": create, "unlink": unlink,
}

// seqRead opens the file anew for each pass: what a peer has cached of it in the
// kernel goes then, as it does between two downloads.
func seqRead(l load, w *watch) (float64, error) {
	buf := make([]byte, l.Size)
	var amount float64
	for amount == 0 || w.total < l.Spell {
		w.start()
		n, err := readPass(l.Path, buf)
		w.stop()
		if err != nil {
			return 0, err
		}
		amount += float64(n)
	}
	return amount / 1e6, nil
}

func readPass(path string, buf []byte) (int64, error) {
	fd, err := open(unix.AT_FDCWD, path, unix.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	for off := int64(0); ; {
		n, err := pread(fd, buf, off)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return off, closeFD(fd)
		}
		off += int64(n)
	}
}

func randomRead(l load, w *watch) (float64, error) {
	fd, err := open(unix.AT_FDCWD, l.Path, unix.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 4096)
	amount := 0
	w.start()
	for amount == 0 || w.running() < l.Spell {
		for range 256 {
			if _, err := pread(fd, buf, rnd.Int64N(st.Size/4096)*4096); err != nil {
				return 0, err
			}
		}
		amount += 256
	}
	w.stop()
	return float64(amount), nil
}

func seqWrite(l load, w *watch) (float64, error) {
	p := filepath.Join(l.Path, fmt.Sprintf("new%d", l.Part))
	buf := make([]byte, l.Size)
	var amount float64
	for amount == 0 || w.total < l.Spell {
		w.start()
		fd, err := open(unix.AT_FDCWD, p, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o644)
		if err != nil {
			return 0, err
		}
		for left := l.Total; left > 0; {
			n, err := write(fd, buf)
			if err != nil {
				return 0, err
			}
			left -= n
			amount += float64(n)
		}
		if err := closeFD(fd); err != nil {
			return 0, err
		}
		w.stop()
		if err := unlinkat(unix.AT_FDCWD, p); err != nil {
			return 0, err
		}
	}
	return amount / 1e6, nil
}

func openClose(l load, w *watch) (float64, error) {
	dir, err := openDir(l.Path)
	if err != nil {
		return 0, err
	}
	names, err := list(dir, nil)
	if err != nil {
		return 0, err
	}
	amount := 0
	w.start()
	for amount == 0 || w.running() < l.Spell {
		for _, name := range names {
			fd, err := open(dir, name, unix.O_RDONLY, 0)
			if err != nil {
				return 0, err
			}
			if err := closeFD(fd); err != nil {
				return 0, err
			}
		}
		amount += len(names)
	}
	w.stop()
	return float64(amount), nil
}

// statNames asks for the attributes of names that are known beforehand, in no
// order.
func statNames(l load, w *watch) (float64, error) {
	var names []string
	for i := l.Part; i < l.Total; i += l.Parts {
		names = append(names, fileName(i))
	}
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	dir, err := openDir(l.Path)
	if err != nil {
		return 0, err
	}
	w.start()
	for _, name := range names {
		if err := stat(dir, name); err != nil {
			return 0, err
		}
	}
	w.stop()
	return float64(len(names)), nil
}

// listLong is ls -l: each block of names, then the attributes of each.
func listLong(l load, w *watch) (float64, error) {
	w.start()
	n, err := longPass(l.Path)
	w.stop()
	return n, err
}

// listWarm is a second ls -l right after the first.
func listWarm(l load, w *watch) (float64, error) {
	if _, err := longPass(l.Path); err != nil {
		return 0, err
	}
	w.start()
	n, err := longPass(l.Path)
	w.stop()
	return n, err
}

func longPass(path string) (float64, error) {
	dir, err := openDir(path)
	if err != nil {
		return 0, err
	}
	names, err := list(dir, func(name string, _ byte) error { return stat(dir, name) })
	if err != nil {
		return 0, err
	}
	return float64(len(names)), closeFD(dir)
}

// find walks a tree by the types that the directories tell.
func find(l load, w *watch) (float64, error) {
	w.start()
	n, err := walk(unix.AT_FDCWD, l.Path)
	w.stop()
	return float64(n), err
}

func walk(at int, name string) (int, error) {
	dir, err := open(at, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return 0, err
	}
	below := 0
	names, err := list(dir, func(name string, typ byte) error {
		if typ != unix.DT_DIR {
			return nil
		}
		n, err := walk(dir, name)
		below += n
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(names) + below, closeFD(dir)
}

// create makes files of 4 KiB; they are removed untimed.
func create(l load, w *watch) (float64, error) { return turnover(l, w, true) }

// unlink removes files that were made untimed.
func unlink(l load, w *watch) (float64, error) { return turnover(l, w, false) }

func turnover(l load, w *watch, timeCreate bool) (float64, error) {
	dir, err := openDir(l.Path)
	if err != nil {
		return 0, err
	}
	content := make([]byte, 4096)
	var names []string
	for i := range l.Total {
		names = append(names, fmt.Sprintf("p%d-%s", l.Part, fileName(i)))
	}
	if timeCreate {
		w.start()
	}
	for _, name := range names {
		fd, err := open(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o644)
		if err != nil {
			return 0, err
		}
		if _, err := write(fd, content); err != nil {
			return 0, err
		}
		if err := closeFD(fd); err != nil {
			return 0, err
		}
	}
	if timeCreate {
		w.stop()
	} else {
		w.start()
	}
	for _, name := range names {
		if err := unlinkat(dir, name); err != nil {
			return 0, err
		}
	}
	if !timeCreate {
		w.stop()
	}
	return float64(len(names)), nil
}

// list reads a directory to its end and calls each, if there is one, for every
// entry while it goes; it returns the names.
func list(dir int, each func(name string, typ byte) error) ([]string, error) {
	var names []string
	buf := make([]byte, 32<<10)
	for {
		n, _, e := unix.RawSyscall(unix.SYS_GETDENTS64, uintptr(dir), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
		if e != 0 {
			return nil, fmt.Errorf("getdents: %w", e)
		}
		if n == 0 {
			return names, nil
		}
		for b := buf[:n]; len(b) > 0; {
			d := (*unix.Dirent)(unsafe.Pointer(&b[0]))
			name := unix.ByteSliceToString(b[unsafe.Offsetof(d.Name):d.Reclen])
			b = b[d.Reclen:]
			if name == "." || name == ".." {
				continue
			}
			names = append(names, name)
			if each != nil {
				if err := each(name, d.Type); err != nil {
					return nil, err
				}
			}
		}
	}
}
