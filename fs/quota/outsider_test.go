package quota

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// outsiderEnv makes this program an outsider in a process of its own: the
// directory, a number and how many steps.
const outsiderEnv = "GRANTFS_TEST_OUTSIDER"

func TestMain(m *testing.M) {
	if args := strings.Fields(os.Getenv(outsiderEnv)); len(args) > 0 {
		os.Exit(beOutsider(args))
	}
	os.Exit(m.Run())
}

func beOutsider(args []string) int {
	var numbers [2]int
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.Atoi(args[1+i]); err != nil {
			fmt.Println(err)
			return 2
		}
	}
	failed := 0
	o := newOutsider(args[0], numbers[0], func(err error) {
		fmt.Println(err)
		failed = 1
	})
	for range numbers[1] {
		o.step()
	}
	return failed
}

// outside runs an outsider in another process until its end.
func outside(t *testing.T, top string, n, steps int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprint(outsiderEnv, "=", top, " ", n, " ", steps))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("outsider: %v: %s", err, out)
	}
}

// outsider does anything with what it made, directly.
type outsider struct {
	fail func(error)
	top  string
	name string
	rnd  *rand.Rand
	dirs []string // the first three are not its own
	made int
}

func newOutsider(top string, n int, fail func(error)) *outsider {
	return &outsider{fail, top, fmt.Sprint("o", n), rand.New(rand.NewPCG(uint64(n), 7)), []string{"a", "b", "elsewhere"}, 0}
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
		o.fail(err)
	}
}
