package limit

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"grantfs/policy"
)

// world is a policy and a wall clock that a test changes while others look.
type world struct {
	mu       sync.Mutex
	accounts map[string]*policy.Effective
	time     time.Time
}

func newWorld() *world {
	return &world{
		accounts: map[string]*policy.Effective{},
		time:     time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
	}
}

func (w *world) policy(account string) *policy.Effective {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accounts[account]
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) setTime(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = t
}

// set replaces what holds for account; nil removes it.
func (w *world) set(account string, e *policy.Effective) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accounts[account] = e
}

// limited returns a limit of n, and of nothing for 0, which is "not set".
func limited(n int64) policy.Setting[policy.Limit] {
	return policy.Setting[policy.Limit]{Value: policy.Limit{N: n}, Set: n != 0}
}

var unlimited = policy.Setting[policy.Limit]{Value: policy.Limit{Unlimited: true}, Set: true}

func networks(list ...string) []policy.Setting[netip.Prefix] {
	var sources []policy.Setting[netip.Prefix]
	for _, s := range list {
		sources = append(sources, policy.Setting[netip.Prefix]{Value: netip.MustParsePrefix(s), Set: true})
	}
	return sources
}

// bandwidth is an account with these rates, and with entries of its own.
func bandwidth(up, down int64, entries ...policy.BandwidthLimit) *policy.Effective {
	e := &policy.Effective{}
	e.Scalars.UploadBandwidth, e.Scalars.DownloadBandwidth = limited(up), limited(down)
	for _, l := range entries {
		e.BandwidthLimits = append(e.BandwidthLimits, policy.From[policy.BandwidthLimit]{Value: l})
	}
	return e
}

// transfer is an account with these limits in each period.
func transfer(period string, up, down, total int64, entries ...policy.DataTransferLimit) *policy.Effective {
	e := &policy.Effective{}
	s := &e.Scalars
	s.UploadDataTransfer, s.DownloadDataTransfer, s.TotalDataTransfer = limited(up), limited(down), limited(total)
	s.TransferPeriod = policy.Setting[string]{Value: period, Set: true}
	for _, l := range entries {
		e.DataTransferLimits = append(e.DataTransferLimits, policy.From[policy.DataTransferLimit]{Value: l})
	}
	return e
}

// chunks is memory that outlives what uses it.
type chunks struct{ held [][]byte }

func (c *chunks) memory() Memory {
	return Memory{Held: c.held, Grow: func(size int) ([]byte, error) {
		b := make([]byte, size)
		c.held = append(c.held, b)
		return b, nil
	}}
}

func seeded(t *testing.T, n int) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(uint64(n), 1))
}

var nowhere netip.Addr
