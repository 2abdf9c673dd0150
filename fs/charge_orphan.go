package fs

import (
	"grantfs/fs/quota"
)

// orphan is what a file still costs that has no name any more but is open.
type orphan struct {
	number uint64 // of the record, 0 for none
	*orphanRecord
	source *source
}

// orphanRecord lies in the memory: a successor frees what it costs.
type orphanRecord struct {
	ticket quota.Ticket // of freeing it
	id     quota.ID
	source uint32
	cost   quota.Charge // guarded by the shard's mu
}

const orphanVersion = 1 // of orphanRecord

// orphan makes one. Without memory it is not known to a successor, which finds
// with the next count that it is gone.
func (is *inodes) orphan(in *inode, src *source, cost quota.Charge) *orphan {
	number, r, err := is.orphans.Take(func(r *orphanRecord) {
		r.ticket.Reset()
		r.id, r.source, r.cost = in.id, src.index, cost
	})
	if err != nil {
		number, r = 0, &orphanRecord{id: in.id, source: src.index, cost: cost}
	}
	return &orphan{number, r, src}
}

// freed ends an orphan that is not charged any more.
func (is *inodes) freed(o *orphan) {
	if o.number != 0 {
		is.orphans.Give(o.number)
	}
}

// costs returns what in, if it has no name any more, is charged for until it is
// closed; false if it has one.
func (is *inodes) costs(in *inode) (quota.Charge, bool) {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if in.orphan == nil {
		return quota.Charge{}, false
	}
	return in.orphan.cost, true
}

// isOrphan reports whether in has no name any more and is charged until it is closed.
func (is *inodes) isOrphan(in *inode) bool {
	_, ok := is.costs(in)
	return ok
}

// abandon says that in, which costs so much in src, has lost its last name. False:
// nobody has it open, so that is free at once.
func (is *inodes) abandon(in *inode, src *source, cost quota.Charge) bool {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if in.opens == 0 {
		return false
	}
	in.orphan = is.orphan(in, src, cost)
	return true
}

// keep notes a change of a file without a name and returns what of it is to be
// charged. Where others took the name away, what it has cost is found missing
// with the name: only what comes from then on is freed at the last close, and
// nothing once it is closed.
func (is *inodes) keep(in *inode, src *source, change quota.Charge) quota.Charge {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if in.opens == 0 {
		return quota.Charge{}
	}
	if in.orphan == nil {
		in.orphan = is.orphan(in, src, quota.Charge{})
	}
	before := in.orphan.cost
	in.orphan.cost.Bytes = max(0, before.Bytes+change.Bytes)
	return in.orphan.cost.Sub(before)
}

// restore makes an orphan cost what it did when a predecessor began to change it.
func (is *inodes) restore(in *inode, cost quota.Charge) {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if in.orphan != nil {
		in.orphan.cost = cost
	}
}

// letGoOf ends one open of in.
func (s *Server) letGoOf(p *plan, in *inode) {
	free := s.charges.inodes.close(in)
	if free == nil {
		return
	}
	if b, errno := s.booksOf(p, nil, free.source, nil); errno == 0 {
		s.charges.ledger.Pay(&free.ticket, b.set, free.cost.Neg())
		b.tree.Note(quota.ID{}, in.id, free.cost.Neg())
	}
	s.charges.inodes.freed(free)
}

// inheritOrphans goes on with those of a predecessor: what is not open any more is
// free.
func (s *Server) inheritOrphans() {
	ch := &s.charges
	for number, r := range ch.inodes.orphans.Used() {
		src, set := s.accountOf(r.source)
		o := &orphan{number, r, src}
		if set != nil && !ch.ledger.Paid(&r.ticket) {
			if ch.inodes.inherit(o) {
				continue
			}
			ch.ledger.Pay(&r.ticket, set, r.cost.Neg())
		}
		ch.inodes.freed(o)
	}
}

// inherit gives an orphan to its inode, if that is open.
func (is *inodes) inherit(o *orphan) bool {
	sh := is.shard(o.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	in := sh.byID[o.id]
	if in == nil || in.opens == 0 || in.orphan != nil {
		return false
	}
	in.orphan = o
	return true
}
