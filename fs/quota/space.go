package quota

import (
	"math"

	"grantfs/policy"
)

// Space is what statvfs(2) says of a set: the tightest of its buckets, which
// is the one with the least left.
type Space struct {
	Bytes  Room
	Inodes Room // of limits on files and on inodes, the tighter one
}

// Room is a limit and what is left of it, never less than nothing. Where the
// limit is unlimited Free means nothing.
type Room struct {
	Limit policy.Limit
	Free  int64
}

// Space returns what is left of s. What is reserved is not.
func (l *Ledger) Space(s *Set) Space {
	space := Space{Bytes: Room{Limit: policy.Limit{Unlimited: true}}, Inodes: Room{Limit: policy.Limit{Unlimited: true}}}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range s.entries {
		e := &s.entries[i]
		space.Bytes.tighten(e, Bytes)
		space.Inodes.tighten(e, Files)
		space.Inodes.tighten(e, Inodes)
	}
	return space
}

func (r *Room) tighten(e *entry, k Resource) {
	if limit := e.limits[k]; !limit.Unlimited {
		if free := max(0, e.room(k)); r.Limit.Unlimited || free < r.Free {
			*r = Room{limit, free}
		}
	}
}

// FreeRoom returns how many bytes may still be written to a backing file system
// of which available are free, keep have to stay free (min_free, product.md §3)
// and pending are being written by others now.
func FreeRoom(available, keep, pending uint64) int64 {
	if pending > math.MaxUint64-keep || available <= keep+pending {
		return 0
	}
	return int64(min(available-keep-pending, math.MaxInt64))
}
