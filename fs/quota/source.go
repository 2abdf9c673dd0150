package quota

import (
	"fmt"
	"strings"

	"grantfs/policy"
)

// sourcePrefix begins the names of the buckets of sources, which no other bucket
// has.
const sourcePrefix = "source:"

// SourceBucket returns the bucket of the source at path: what is in that tree,
// without a limit.
func SourceBucket(path string) policy.Bucket {
	none := policy.Limit{Unlimited: true}
	return policy.Bucket{Name: sourcePrefix + path, Size: none, Files: none, Inodes: none}
}

// Derive makes every bucket hold what the sources charged to it hold, and
// nothing else. Sources themselves keep what they hold, also those that charged
// does not name. It is called after Load, when a policy was loaded, and again
// when no operation that began before is under way any more: until then what
// those cost goes to the buckets of the old policy. An error says that there is
// no memory; nothing was changed then.
func (l *Ledger) Derive(charged []policy.Charged) error {
	type source struct {
		own  *record
		list entries
	}
	sources := make([]source, 0, len(charged))
	for _, c := range charged {
		own, err := l.Set([]policy.Bucket{SourceBucket(c.Source)})
		if err != nil {
			return fmt.Errorf("derive quotas: %w", err)
		}
		above, err := l.Set(c.Buckets)
		if err != nil {
			return fmt.Errorf("derive quotas: %w", err)
		}
		sources = append(sources, source{own.entries[0].record, above.entries})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.chunks {
		for i := range c.count() {
			if !strings.HasPrefix(c.name(i), sourcePrefix) {
				c.record(i).used = amounts{}
			}
		}
	}
	for _, s := range sources {
		for i := range s.list {
			l.charge(s.list[i].record, s.own.used)
		}
	}
	l.change++
	return nil
}
