package quota

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Others and we at once, in two sources and around them, while they are counted:
// at rest the ledger is right. What we do is seen by nobody but us where the
// others are other processes.
func TestRecountWhileAllWrite(t *testing.T) {
	for _, tt := range []struct {
		typ string
		own int
	}{{"ext4", 0}, {"tmpfs", 0}, {"ext4", os.Getpid()}, {"tmpfs", os.Getpid()}} {
		t.Run(fmt.Sprint(tt.typ, " without ours ", tt.own != 0), func(t *testing.T) {
			top := mounted(t, tt.typ)
			a, b := filepath.Join(top, "a"), filepath.Join(top, "b")
			for i := range 40 {
				put(t, i, a, "old", fmt.Sprint(i%7), "x", fmt.Sprint(i))
				put(t, i, b, "old", fmt.Sprint(i%3), fmt.Sprint(i))
				put(t, i, top, "elsewhere", fmt.Sprint(i%5), "y", fmt.Sprint(i))
			}
			r := newRecounting(t, RecountOptions{Own: tt.own})
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
				if tt.own != 0 {
					working.Go(func() { outside(t, top, n, 400) })
					continue
				}
				o := newOutsider(top, n, func(err error) { t.Error(err) })
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
