package node

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"grantfs/policy"
)

// model is what the table should be for one view, as plainly as can be.
type model struct {
	view  uint32
	nodes map[uint64]*modelNode
}

type modelNode struct {
	ino     uint64
	parent  uint64
	name    string
	lookups uint64
	lost    bool
	unkeyed bool
}

const modelInodes = 60

// linked inodes have several hard links: a node for each directory.
func linked(ino uint64) bool { return ino%5 == 0 }

func isDir(ino uint64) bool { return ino%3 == 1 }

// find returns the node that a lookup of ino in parent should lead to.
func (m *model) find(ino, parent uint64) uint64 {
	for id, n := range m.nodes {
		if n.ino == ino && !n.unkeyed && (!linked(ino) || n.parent == parent) {
			return id
		}
	}
	return 0
}

func (m *model) below(id, top uint64) bool {
	for ; id != RootID; id = m.nodes[id].parent {
		if id == top {
			return true
		}
	}
	return false
}

// move returns false for what would be a cycle.
func (m *model) move(id, parent uint64, name string) bool {
	n := m.nodes[id]
	if m.below(parent, id) {
		return false
	}
	if n.parent == parent && n.name == name && !n.lost {
		return true
	}
	old := n.parent
	n.unkeyed = true // not to be found by itself
	n.unkeyed = m.find(n.ino, parent) != 0
	n.parent, n.name, n.lost = parent, name, false
	m.drop(old)
	return true
}

func (m *model) drop(id uint64) {
	for id != RootID && m.nodes[id].lookups == 0 {
		for _, n := range m.nodes {
			if n.parent == id {
				return
			}
		}
		parent := m.nodes[id].parent
		delete(m.nodes, id)
		id = parent
	}
}

func (m *model) key(ino, parent uint64) Key {
	k := Key{View: m.view, Source: 1, Ino: ino}
	if linked(ino) {
		k.Parent = parent
	}
	return k
}

// player does random things to a table and to a model of its own view.
type player struct {
	t    *testing.T
	rnd  *rand.Rand
	tab  *Table
	m    model
	past map[uint64]bool // every id that there was
}

func (p *player) dir() uint64 {
	dirs := []uint64{RootID}
	for id, n := range p.m.nodes {
		if isDir(n.ino) {
			dirs = append(dirs, id)
		}
	}
	slices.Sort(dirs)
	return dirs[p.rnd.IntN(len(dirs))]
}

func (p *player) node() uint64 {
	if len(p.m.nodes) == 0 {
		return 0
	}
	ids := slices.Sorted(maps.Keys(p.m.nodes))
	return ids[p.rnd.IntN(len(ids))]
}

func (p *player) name() string {
	return strings.Repeat(string(rune('a'+p.rnd.IntN(3))), 1+p.rnd.IntN(3)*100)
}

func (p *player) ref() {
	ino, parent, name := p.rnd.Uint64N(modelInodes), p.dir(), p.name()
	want := p.m.find(ino, parent)
	typ := policy.TypeFile
	if isDir(ino) {
		typ = policy.TypeDir
	}
	n, fresh, err := p.tab.Ref(p.m.key(ino, parent), Identity{Kind: KindBacked, Type: typ, View: p.m.view, Source: 1, Ino: ino}, Where{Parent: parent, Name: name})
	switch {
	case want != 0 && !p.m.move(want, parent, name):
		if !errors.Is(err, ErrCycle) {
			p.t.Errorf("a directory below itself: %v", err)
		}
		return
	case err != nil:
		p.t.Errorf("Ref: %v", err)
		return
	case want == 0:
		if !fresh || p.past[n.ID] {
			p.t.Errorf("a new inode is node %#x, fresh %v", n.ID, fresh)
		}
		p.m.nodes[n.ID] = &modelNode{ino: ino, parent: parent, name: name}
		p.past[n.ID] = true
	case n.ID != want || fresh:
		p.t.Errorf("a lookup of %#x leads to %#x, fresh %v", want, n.ID, fresh)
		return
	}
	p.m.nodes[n.ID].lookups++
	if w := n.Where(); w.Parent != parent || w.Name != name {
		p.t.Errorf("looked up at %#x/%s, it is at %#x/%s", parent, name, w.Parent, w.Name)
	}
}

func (p *player) move() {
	if id := p.node(); id != 0 {
		parent, name := p.dir(), p.name()
		p.tab.Move(p.tab.Get(id), Where{Parent: parent, Name: name})
		if !p.m.move(id, parent, name) {
			p.m.nodes[id].lost = true
		}
	}
}

func (p *player) forget(id uint64) {
	if id == 0 {
		return
	}
	n := p.m.nodes[id]
	count := p.rnd.Uint64N(n.lookups + 2)
	p.tab.Forget(id, count)
	n.lookups -= min(count, n.lookups)
	p.m.drop(id)
}

// compare holds every node that there ever was against the model.
func (p *player) compare() {
	for id := range p.past {
		got, want := p.tab.Get(id), p.m.nodes[id]
		if (got == nil) != (want == nil) {
			p.t.Errorf("node %#x is %v, want %+v", id, got, want)
			continue
		}
		if got == nil {
			continue
		}
		w := got.Where()
		if got.Ino != want.ino || got.View != p.m.view || w.Parent != want.parent || w.Name != want.name || w.Lost != want.lost {
			p.t.Errorf("node %#x of inode %d is at %+v, want %+v", id, got.Ino, w, want)
		}
		if found := p.tab.Lookup(p.m.key(want.ino, want.parent)); !want.unkeyed && (found == nil || found.ID != id) {
			p.t.Errorf("a lookup of node %#x leads to %v", id, found)
		}
	}
}

func (p *player) play(steps int) {
	for i := range steps {
		switch p.rnd.IntN(8) {
		case 0, 1, 2:
			p.ref()
		case 3:
			p.move()
		default:
			p.forget(p.node())
		}
		if i%64 == 0 {
			p.compare()
		}
		if p.t.Failed() {
			return
		}
	}
	p.compare()
}

// TestModel: several views at once do random things to one table, each of which
// must be to it as if it were alone; others look at whatever there is. Then
// another table takes the memory over, and it goes on.
func TestModel(t *testing.T) {
	const views = 4
	const steps = 4000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var freed atomic.Int64
	tab, chunks := newTestTable(t, func(uint64) { freed.Add(1) })
	players := make([]*player, views)
	for i := range players {
		players[i] = &player{t: t, rnd: rand.New(rand.NewPCG(seed, uint64(i))), m: model{view: uint32(i + 1), nodes: map[uint64]*modelNode{}}, past: map[uint64]bool{}}
	}
	round := func(tab *Table) {
		var playing, looking sync.WaitGroup
		done := make(chan struct{})
		for _, p := range players {
			p.tab = tab
			playing.Go(func() { p.play(steps) })
		}
		looking.Go(func() { lookAround(t, tab, done) })
		playing.Wait()
		close(done)
		looking.Wait()
	}
	round(tab)
	live, made := 0, 0
	for _, p := range players {
		live += len(p.m.nodes)
		made += len(p.past)
	}
	if got := tab.Len(); got != live || int(freed.Load()) != made-live {
		t.Errorf("%d nodes, %d were freed; want %d and %d", got, freed.Load(), live, made-live)
	}

	next, err := Open(*chunks, exhausted, ignore)
	if err != nil {
		t.Fatal(err)
	}
	round(next)
	for _, p := range players {
		for id, n := range p.m.nodes {
			next.Forget(id, n.lookups)
		}
	}
	if next.Len() != 0 {
		t.Errorf("%d nodes are left after all was forgotten", next.Len())
	}
}

// lookAround gets nodes that others change meanwhile: each must be whole.
func lookAround(t *testing.T, tab *Table, done <-chan struct{}) {
	for i := uint64(2); ; i++ {
		select {
		case <-done:
			return
		default:
		}
		index := 2 + i%(4*modelInodes)
		for gen := range uint64(4) {
			id := gen<<indexBits | index
			n := tab.Get(id)
			if n == nil {
				continue
			}
			w := n.Where()
			if n.ID != id || n.View == 0 || w.Name == "" || w.Name != strings.Repeat(w.Name[:1], len(w.Name)) {
				t.Errorf("node %#x: %#x of view %d at %+v", id, n.ID, n.View, w)
				return
			}
			n.Check(max(1, n.Checked()))
		}
	}
}
