package quota

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Others and we at once, in two sources and around them, while they are counted:
// at rest the ledger is right.
func TestRecountWhileAllWrite(t *testing.T) {
	for _, typ := range []string{"ext4", "tmpfs"} {
		t.Run(typ, func(t *testing.T) {
			top := mounted(t, typ)
			a, b := filepath.Join(top, "a"), filepath.Join(top, "b")
			for i := range 40 {
				put(t, i, a, "old", fmt.Sprint(i%7), "x", fmt.Sprint(i))
				put(t, i, b, "old", fmt.Sprint(i%3), fmt.Sprint(i))
				put(t, i, top, "elsewhere", fmt.Sprint(i%5), "y", fmt.Sprint(i))
			}
			r := newRecounting(t, RecountOptions{})
			tree := r.add(a)
			r.add(b)
			var working sync.WaitGroup
			for n := range 3 { // we
				w := &writer{
					t: t, dir: a, n: n, rnd: rand.New(rand.NewPCG(uint64(n), 5)), ledger: r.ledger, set: r.set(a), tree: tree,
					dirs: []string{"", "old", "old/1"},
				}
				working.Go(func() {
					for range 400 {
						w.step()
					}
				})
			}
			for n := range 2 { // others
				o := &outsider{t, top, fmt.Sprint("o", n), rand.New(rand.NewPCG(uint64(n), 7)), []string{"a", "b", "elsewhere"}, 0}
				working.Go(func() {
					for range 400 {
						o.step()
					}
				})
			}
			working.Go(func() {
				for i := range 10 {
					if err := r.Count(t.Context(), []string{a, b}[i%2]); err != nil {
						t.Error(err)
					}
				}
			})
			working.Wait()
			r.check("at rest", a, b)
			t.Logf("%+v", r.Stats())
		})
	}
}

// outsider does anything with what it made, directly.
type outsider struct {
	t    *testing.T
	top  string
	name string
	rnd  *rand.Rand
	dirs []string // the first three are not its own
	made int
}

func (o *outsider) step() {
	dir := o.dirs[o.rnd.IntN(len(o.dirs))]
	at := filepath.Join(o.top, dir)
	o.made++
	name := filepath.Join(at, fmt.Sprint(o.name, "-", o.made))
	var err error
	switch o.rnd.IntN(9) {
	case 0, 1:
		err = os.WriteFile(name, make([]byte, o.rnd.IntN(1000)), 0o600)
	case 2, 3:
		if err = os.Mkdir(name, 0o700); err == nil {
			o.dirs = append(o.dirs, name[len(o.top)+1:])
		}
	case 4: // truncate, link or remove a file of ours
		list, _ := filepath.Glob(filepath.Join(at, o.name+"-*"))
		for _, f := range list {
			if info, e := os.Lstat(f); e == nil && info.Mode().IsRegular() {
				switch o.rnd.IntN(4) {
				case 0:
					err = os.Truncate(f, o.rnd.Int64N(5000))
				case 1:
					err = os.Link(f, filepath.Join(o.top, o.dirs[o.rnd.IntN(len(o.dirs))], fmt.Sprint(o.name, "-l", o.made)))
				case 2:
					err = os.Rename(f, filepath.Join(o.top, o.dirs[o.rnd.IntN(len(o.dirs))], fmt.Sprint(o.name, "-r", o.made)))
				default:
					err = os.Remove(f)
				}
				break
			}
		}
	case 5, 6, 7: // move a directory of ours
		if len(o.dirs) < 4 {
			return
		}
		from := o.dirs[3+o.rnd.IntN(len(o.dirs)-3)]
		if within(dir, from) {
			return
		}
		to := name[len(o.top)+1:]
		err = os.Rename(filepath.Join(o.top, from), name)
		for i, d := range o.dirs {
			if err == nil && within(d, from) {
				o.dirs[i] = to + d[len(from):]
			}
		}
	case 8:
		if len(o.dirs) < 8 {
			return
		}
		from := o.dirs[3+o.rnd.IntN(len(o.dirs)-3)]
		err = os.RemoveAll(filepath.Join(o.top, from))
		o.dirs = slices.DeleteFunc(o.dirs, func(d string) bool { return within(d, from) })
	}
	if err != nil && !strings.Contains(err.Error(), "too many levels") {
		o.t.Error(err)
	}
}
