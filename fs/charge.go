package fs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"grantfs/fs/backing"
	"grantfs/fs/memory"
	"grantfs/fs/node"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// charges is what operations are charged to (product.md §9). Whatever makes
// something larger or smaller, more or less, reserves before it does so and
// settles what it came to: charge_size.go for file data, charge_name.go for
// names. Everything is counted, be it limited or not.
type charges struct {
	ledger    *quota.Ledger
	recounter *quota.Recounter
	plan      atomic.Pointer[plan]
	inodes    inodes
	intents   intents
	disks     disks

	idle chan struct{} // holds one value when an old plan has no operation any more

	counting sync.Mutex // held over telling the recounter of one plan
}

// plan says what every source is charged to under one policy. Operations that
// are under way in it are counted, so that it is known when the last one ended.
type plan struct {
	charged map[string][]policy.Bucket // by source
	limited map[string]bool            // sources where somebody has a limit
	twins   map[string]string          // sources that are another one, see sources.twins
	above   map[string]bool            // directories, from an outer source on, that sources lie in
	ops     atomic.Int64
	old     atomic.Bool // another plan is in force
	idle    chan<- struct{}

	mu    sync.RWMutex // guards what follows
	books map[booksKey]*books
}

type booksKey struct {
	mount  *policy.Mount // that it is seen through; nil: charged without limits
	source uint32
}

// books are where the objects in one source are charged, as seen through one
// mount.
type books struct {
	source *source
	tree   *quota.Tree
	set    *quota.Set
}

// initCharges takes over the ledger that lies in the memory, or begins one with
// what the last checkpoint says. If that is not sure it is enforced all the same,
// until the sources are counted. What was under way in a predecessor is settled
// later, see settleIntents.
func (s *Server) initCharges() error {
	ch := &s.charges
	log := s.opt.Log
	grow, impossible := s.memory.Grow(memory.Ledger), func(what string) { log.Error("quota", "impossible", what) }
	var err error
	if chunks := s.memory.Held(memory.Ledger); len(chunks) > 0 {
		if ch.ledger, err = quota.Attach(grow, impossible, chunks); err != nil {
			return err
		}
	} else {
		ch.ledger = quota.New(grow, impossible)
		if err := s.load(); err != nil {
			log.Error("what is used is not known, everything is counted again", "error", err)
		}
	}
	ch.recounter = quota.NewRecounter(quota.RecountOptions{Ledger: ch.ledger, Log: log, Own: os.Getpid()})
	if err := ch.inodes.init(s.memory); err != nil {
		return fmt.Errorf("orphans: %w", err)
	}
	if err := ch.intents.init(s.memory); err != nil {
		return fmt.Errorf("intents: %w", err)
	}
	ch.disks.init()
	ch.idle = make(chan struct{}, 1)
	ch.plan.Store(ch.newPlan(s.policy.Load().Set.Charged(), nil))
	return nil
}

// load reads the checkpoint, if there is one.
func (s *Server) load() error {
	if s.opt.Usage == "" {
		return nil
	}
	clean, err := s.charges.ledger.Load(s.opt.Usage)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !clean:
		s.opt.Log.Warn("the last end was not an orderly one: what is used is counted again")
	}
	return err
}

func (ch *charges) newPlan(charged []policy.Charged, twins map[string]string) *plan {
	p := &plan{
		charged: make(map[string][]policy.Bucket, len(charged)), limited: map[string]bool{}, twins: twins, above: map[string]bool{},
		books: map[booksKey]*books{}, idle: ch.idle,
	}
	for _, c := range charged {
		source := p.first(c.Source)
		all := p.charged[source] // of twins only
		p.charged[source] = append(c.Buckets[:len(c.Buckets):len(c.Buckets)], all...)
		if c.Limited {
			p.limited[source] = true
		}
	}
	for inner := range p.charged {
		outer := ""
		for dir := inner; dir != "/"; {
			dir = path.Dir(dir)
			if _, ok := p.charged[dir]; ok {
				outer = dir
			}
		}
		for dir := inner; outer != "" && dir != outer; {
			dir = path.Dir(dir)
			p.above[dir] = true
		}
	}
	p.share()
	return p
}

// derive makes the buckets what p says that they are.
func (p *plan) derive(l *quota.Ledger) error {
	list := make([]policy.Charged, 0, len(p.charged))
	for source, buckets := range p.charged {
		list = append(list, policy.Charged{Source: source, Buckets: buckets})
	}
	return l.Derive(list)
}

// enter begins an operation that is charged; leave ends it.
func (ch *charges) enter() *plan {
	for {
		p := ch.plan.Load()
		p.ops.Add(1)
		if ch.plan.Load() == p {
			return p
		}
		p.leave()
	}
}

func (p *plan) leave() {
	if p.ops.Add(-1) == 0 && p.old.Load() {
		poke(p.idle)
	}
}

// recharges starts what follows each change of the policy, beside the requests:
// to find what everything is charged to from now on. Until then sources are
// charged as before, those that are new to what the mount that they are seen
// through says; what is under way then ends in the old buckets and is taken over
// at its end. The returned function ends it.
func (s *Server) recharges() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var old []*plan // that operations are under way in
		for {
			select {
			case <-quit:
				return
			case <-s.recharge:
				next := s.charges.newPlan(s.policy.Load().Set.Charged(), s.sources.twins())
				s.derive(next)
				last := s.charges.plan.Swap(next)
				last.old.Store(true)
				old = append(old, last)
				s.EndRevoked() // limits of others, which count for a writer too, are known now
				s.pair(last, next)
				s.recount()
			case <-s.charges.idle:
			}
			busy := slices.DeleteFunc(old, func(p *plan) bool { return p.ops.Load() == 0 })
			if len(busy) < len(old) {
				s.derive(s.charges.plan.Load())
			}
			old = busy
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// derive makes every bucket hold what p says that it does.
func (s *Server) derive(p *plan) {
	if err := p.derive(s.charges.ledger); err != nil {
		s.opt.Log.Error("charge everything to what the policy says", "error", err)
	}
}

// recount has the sources counted that are, if the policy has them still, into the
// buckets that it says now.
func (s *Server) recount() {
	s.sources.mu.RLock()
	list := s.sources.list[1:len(s.sources.list):len(s.sources.list)]
	s.sources.mu.RUnlock()
	for _, src := range list {
		if src.counted.Load() {
			s.count(src)
		}
	}
}

// count has a source counted, if the policy has it and it is there.
func (s *Server) count(src *source) {
	src.counted.Store(true)
	ch := &s.charges
	ch.counting.Lock()
	defer ch.counting.Unlock()
	p := ch.enter()
	defer p.leave()
	if first := p.first(src.path); first != src.path {
		ch.recounter.Remove(src.path)
		src = s.sources.named(first)
		src.counted.Store(true)
		s.pinned(src)
	}
	root := src.root.Load()
	if _, ok := p.charged[src.path]; !ok || root == nil {
		ch.recounter.Remove(src.path)
		return
	}
	b, errno := s.booksOf(p, nil, src, nil)
	if errno != 0 {
		return
	}
	if _, err := ch.recounter.Add(quota.Source{Path: src.path, Set: b.set}, root); err != nil {
		s.opt.Log.Error("what others do in a source is not counted", "source", src.path, "error", err)
	}
}

// Ledger returns what everything is charged to.
func (s *Server) Ledger() *quota.Ledger { return s.charges.ledger }

// Recounter returns what counts the sources, those that CheckSources has found.
func (s *Server) Recounter() *quota.Recounter { return s.charges.recounter }

// booksIn returns where what dir holds is charged.
func (s *Server) booksIn(p *plan, dir spot) (*books, syscall.Errno) {
	return s.booksOf(p, dir.where.Place.Mount(), s.innermost(p, dir), dir.rules)
}

// limited reports whether what the file sp holds is limited for anybody, through
// whatever view.
func (s *Server) limited(p *plan, sp spot) bool {
	src := sp.source(s)
	if above, ok := s.parent(sp); ok && p.above[p.first(src.path)] {
		src = s.innermost(p, above)
	}
	return p.limited[p.first(src.path)]
}

// booksOver returns where the file sp is charged, and the directory that holds
// it. Nodes may not know yet that others have moved it: in, which is locked, does,
// unless sp was found since where it is now. in may be nil.
func (s *Server) booksOver(p *plan, sp spot, in *inode, st *backing.Stat) (*books, quota.ID, syscall.Errno) {
	if in != nil && in.home != nil && in.home.born == st.Btime && !s.atPlace(sp) {
		m := sp.where.Place.Mount()
		if !strings.HasPrefix(p.first(in.home.source.path)+"/", strings.TrimSuffix(p.first(sp.source(s).path), "/")+"/") {
			m = nil // it was moved out of what the caller sees
		}
		b, errno := s.booksOf(p, m, in.home.source, sp.rules)
		return b, in.home.dir, errno
	}
	above, ok := s.parent(sp)
	if !ok {
		return nil, quota.ID{}, syscall.ESTALE
	}
	src := sp.source(s)
	if p.above[p.first(src.path)] {
		src = s.innermost(p, above)
	}
	b, errno := s.booksOf(p, sp.where.Place.Mount(), src, sp.rules)
	dir := s.dirID(above)
	if in != nil && in.home != nil && errno == 0 {
		in.home = &home{src, dir, st.Btime}
	}
	return b, dir, errno
}

// innermost returns the source that what dir holds belongs to: where sources lie
// within each other, the last one on the way to dir.
func (s *Server) innermost(p *plan, dir spot) *source {
	src := dir.source(s)
	top := p.first(src.path)
	if !p.above[top] {
		return src
	}
	for at := p.first(s.pathOf(src, dir)); at != top && at != "/"; at = path.Dir(at) {
		if _, ok := p.charged[at]; ok {
			return s.sources.named(at)
		}
	}
	return src
}

// pathOf returns the path of an object of src, as far as the names are known.
func (s *Server) pathOf(src *source, sp spot) string {
	var names []string
	for n, w := sp.node, sp.where; n != nil && n.Kind == node.KindBacked && n.Root != 0; {
		names = append(names, w.Name)
		if n = s.nodes.Get(w.Parent); n != nil {
			w = n.Where()
		}
	}
	slices.Reverse(names)
	return path.Join(src.path, strings.Join(names, "/"))
}

func (s *Server) booksOf(p *plan, m *policy.Mount, src *source, r *viewRules) (*books, syscall.Errno) {
	if first := p.first(src.path); first != src.path {
		src = s.sources.named(first)
	}
	key := booksKey{m, src.index}
	p.mu.RLock()
	b := p.books[key]
	p.mu.RUnlock()
	if b != nil {
		return b, 0
	}
	list := slices.Clone(p.charged[src.path])
	if m != nil {
		list = append(list, r.view.BucketsOf(m)...)
	}
	set, err := s.charges.ledger.Set(append(list, quota.SourceBucket(src.path)))
	if err != nil {
		s.opt.Log.Error("find what a source is charged to", "source", src.path, "error", err)
		return nil, syscall.ENOMEM
	}
	b = &books{src, s.charges.recounter.Tree(src.path), set}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.books[key]; first != nil {
		return first, 0
	}
	p.books[key] = b
	return b, 0
}

// overQuota is the errno for an error of the ledger.
func overQuota(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	return syscall.EDQUOT
}

// dirID is the number of the directory behind a spot.
func (s *Server) dirID(dir spot) quota.ID {
	if dir.node.Kind == node.KindBacked {
		return quota.ID{Dev: dir.node.Dev, Ino: dir.node.Ino}
	}
	if root := s.pinned(dir.source(s)); root != nil {
		return quota.ID{Dev: root.Dev(), Ino: root.Ino()}
	}
	return quota.ID{}
}

func idOf(st *backing.Stat) quota.ID { return quota.ID{Dev: backing.Dev(st), Ino: st.Ino} }

// costOf returns what a name of the object that st describes costs.
func costOf(st *backing.Stat) quota.Charge {
	if typeOf(st) == policy.TypeFile {
		return quota.Charge{Bytes: int64(st.Size), Files: 1, Inodes: 1}
	}
	return quota.Charge{Inodes: 1}
}
