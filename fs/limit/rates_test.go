package limit

import (
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"grantfs/policy"
)

// TestRateEntries: the first entry that holds the address replaces the account's
// limits, both of them, and has a bucket of its own wherever it stands.
func TestRateEntries(t *testing.T) {
	office := policy.BandwidthLimit{Sources: networks("10.0.0.0/8", "fd00::/8"), UploadBandwidth: limited(1 << 20)}
	home := policy.BandwidthLimit{Sources: networks("10.1.0.0/16", "192.168.0.0/16"), DownloadBandwidth: unlimited}
	w := newWorld()
	w.set("alice", bandwidth(4<<10, 4<<10, office, home))
	w.set("bob", bandwidth(4<<10, 0))
	r := newRates(t, w, Memory{})
	from := func(account, addr string) (up, down *Bucket) {
		return r.buckets(t, account, netip.MustParseAddr(addr))
	}
	up, down := from("alice", "10.1.2.3")
	if down != nil || up == nil || up.record.load().rate != 1<<20 {
		t.Errorf("the office has %v and %v", up, down)
	}
	if same, _ := from("alice", "::ffff:10.2.0.1"); same != up {
		t.Error("two addresses of one entry have buckets of their own")
	}
	if same, _ := from("alice", "fd00::1"); same != up {
		t.Error("two networks of one entry have buckets of their own")
	}
	if up, down := from("alice", "192.168.1.1"); up != nil || down != nil {
		t.Error("an entry without limits is limited")
	}
	own, ownDown := from("alice", "8.8.8.8")
	if own == nil || own == up || ownDown == nil || own.record.load().rate != 4<<10 {
		t.Errorf("elsewhere: %v, %v", own, ownDown)
	}
	if unknown, _ := r.buckets(t, "alice", nowhere); unknown != own {
		t.Error("no address is not the account's own limit")
	}
	if bob, _ := from("bob", "8.8.8.8"); bob == own {
		t.Error("two accounts share a bucket")
	}
	if up, down := from("carol", "8.8.8.8"); up != nil || down != nil {
		t.Error("an account that is not there has a bucket")
	}
	if len(r.pairs) != 3 {
		t.Errorf("%d pairs, want 3", len(r.pairs))
	}

	office.Sources = networks("fd00::/8", "10.0.0.0/8")
	office.UploadBandwidth = limited(2 << 20)
	w.set("alice", bandwidth(4<<10, 4<<10, home, office))
	w.set("bob", nil)
	r.Reload()
	if moved, _ := from("alice", "10.2.0.1"); moved != up || up.record.load().rate != 2<<20 {
		t.Error("an entry that stands elsewhere is another one")
	}
	if len(r.pairs) != 2 {
		t.Errorf("%d pairs, want 2: bob's is not needed", len(r.pairs))
	}
}

// TestReloadSetsDirection: a direction that is limited later begins with a burst,
// and one that no longer is has no bucket.
func TestReloadSetsDirection(t *testing.T) {
	w := newWorld()
	w.set("alice", bandwidth(1<<20, 0))
	r := newRates(t, w, Memory{})
	up, _ := r.buckets(t, "alice", nowhere)
	drain(t, up)
	w.set("alice", bandwidth(0, 1<<20))
	r.Reload()
	if !up.Try(1 << 30) {
		t.Error("what was limited still is")
	}
	none, down := r.buckets(t, "alice", nowhere)
	if none != nil || !down.Try(int(burst(1<<20))) || down.Try(1<<20) {
		t.Errorf("upload has %v, or download no burst, or no limit", none)
	}
}

// TestRatesAreTakenOver: a successor goes on with the level, not with a burst.
func TestRatesAreTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set("alice", bandwidth(1<<20, 1<<20))
		w.set("bob", bandwidth(1<<20, 0))
		var mem chunks
		up, _ := newRates(t, w, mem.memory()).buckets(t, "alice", nowhere)
		drain(t, up)
		up, _ = newRates(t, w, mem.memory()).buckets(t, "alice", nowhere)
		if up.Try(8 << 10) {
			t.Error("the successor gives the burst again")
		}
		time.Sleep(8 * time.Millisecond)
		if !up.Try(8 << 10) {
			t.Error("the successor counts no time")
		}

		up.record.at.Store(math.MaxInt64)
		up.record.n.Store(-1)
		up, _ = newRates(t, w, mem.memory()).buckets(t, "alice", nowhere)
		time.Sleep(8 * time.Millisecond)
		if !up.Try(8 << 10) {
			t.Error("a damaged time stops the bucket for good")
		}

		w.set("alice", nil)
		r := newRates(t, w, mem.memory())
		if up, _ := r.buckets(t, "bob", nowhere); !up.Try(int(burst(1 << 20))) {
			t.Error("bob got what alice left")
		}
		if r := newRates(t, w, mem.memory()); len(r.pairs) != 1 || r.pairs[Key{Account: "bob"}] == nil {
			t.Errorf("the next one finds %v", r.pairs)
		}
		if len(mem.held) != 1 {
			t.Errorf("%d chunks, want 1", len(mem.held))
		}
	})
}
