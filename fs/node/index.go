package node

import "hash/maphash"

// key is a Key as slots have it.
type key struct {
	ident
	parent uint32
	name   string
}

func (k *key) hash(seed maphash.Seed) uint32 { return uint32(maphash.Comparable(seed, *k)) }

// has reports whether k is the key of the node in s.
func (ss *slots) has(s *slot, k *key) bool {
	return s.ident == k.ident &&
		(k.keyed&byParent == 0 || s.parent == k.parent) &&
		(k.keyed&byName == 0 || ss.named(s, k.name))
}

// keyOf returns the key of the node in s.
func (ss *slots) keyOf(s *slot) key {
	k := key{ident: s.ident}
	if k.keyed&byParent != 0 {
		k.parent = s.parent
	}
	if k.keyed&byName != 0 {
		k.name = ss.name(s)
	}
	return k
}

const (
	segmentBits = 12
	segmentSize = 1 << segmentBits
)

// index finds slots by key: a hash table whose chains run through the slots. It
// grows by one bucket with each node, so that no request pays for the growth of
// all (linear hashing). Its seed is the process's own: names and inode numbers
// are chosen by accounts. Guarded by Table.mu.
type index struct {
	slots    *slots
	seed     maphash.Seed
	segments []*[segmentSize]uint32
	buckets  uint32
	mask     uint32 // of the hash: buckets-1 rounded up to all ones
	keyed    uint32 // nodes in it
}

func (x *index) init(ss *slots) {
	*x = index{slots: ss, seed: maphash.MakeSeed(), buckets: 1}
	x.segments = append(x.segments, new([segmentSize]uint32))
}

func (x *index) bucket(b uint32) *uint32 {
	return &x.segments[b>>segmentBits][b&(segmentSize-1)]
}

func (x *index) bucketOf(hash uint32) uint32 {
	b := hash & x.mask
	if b >= x.buckets {
		b &= x.mask >> 1
	}
	return b
}

// find returns the slot with the key, 0 if there is none.
func (x *index) find(k *key) uint32 {
	hash := k.hash(x.seed)
	for i := *x.bucket(x.bucketOf(hash)); i != 0; {
		s := x.slots.at(i)
		if s.hash == hash && x.slots.has(s, k) {
			return i
		}
		i = s.next
	}
	return 0
}

// insert adds a slot by the key it has now; where another has that key, it is
// left out and marked so.
func (x *index) insert(i uint32) {
	s := x.slots.at(i)
	s.keyed &^= unkeyed
	k := x.slots.keyOf(s)
	if x.find(&k) != 0 {
		s.keyed |= unkeyed
		return
	}
	x.keyed++
	if x.keyed > x.buckets {
		x.split()
	}
	s.hash = k.hash(x.seed)
	b := x.bucket(x.bucketOf(s.hash))
	s.next, *b = *b, i
}

// remove takes a slot out, by the hash it was inserted with.
func (x *index) remove(i uint32) {
	s := x.slots.at(i)
	if s.keyed&unkeyed != 0 {
		return
	}
	at := x.bucket(x.bucketOf(s.hash))
	for *at != i {
		at = &x.slots.at(*at).next
	}
	*at = s.next
	x.keyed--
}

// split adds a bucket, and moves to it what belongs there from the one bucket
// that held it until now.
func (x *index) split() {
	added := x.buckets
	if added > x.mask {
		x.mask = x.mask<<1 | 1
	}
	if int(added>>segmentBits) == len(x.segments) {
		x.segments = append(x.segments, new([segmentSize]uint32))
	}
	x.buckets++
	old := x.bucket(added & (x.mask >> 1))
	i := *old
	*old = 0
	for i != 0 {
		s := x.slots.at(i)
		next := s.next
		b := x.bucket(x.bucketOf(s.hash))
		s.next, *b = *b, i
		i = next
	}
}
