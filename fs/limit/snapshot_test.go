package limit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

// sampled returns counters with something in them, and their world.
func sampled(t testing.TB) (*Transfers, *world) {
	w := newWorld()
	office := policy.DataTransferLimit{Sources: networks("10.0.0.0/8"), TotalDataTransfer: limited(1000)}
	w.set("alice", transfer("month", 100, 0, 0, office))
	w.set("a-name-of-two-and-thirty-bytes.x", transfer("never", 100, 0, 0))
	tr := newTransfers(t, w, Memory{})
	for i, k := range []Key{
		{"alice", Entry{}},
		{"alice", EntryOf(office.Sources)},
		{"a-name-of-two-and-thirty-bytes.x", Entry{}},
	} {
		c, err := tr.counter(k, Month.first(w.now()))
		if err != nil {
			t.Fatal(err)
		}
		c.record.moved[Upload].Store(int64(i + 1))
		c.record.moved[Download].Store(math.MaxInt64 - int64(i))
	}
	return tr, w
}

func TestSnapshotRoundTrip(t *testing.T) {
	tr, w := sampled(t)
	snapshot := tr.Snapshot()
	again := newTransfers(t, w, Memory{})
	if err := again.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tr.Usage(), again.Usage()); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	if !bytes.Equal(again.Snapshot(), snapshot) {
		t.Error("another snapshot of the same differs")
	}
	if got := again.meter(t, "alice", nowhere).move(t, Upload, 1000); got != 99 {
		t.Errorf("moved %d of what is left, want 99", got)
	}
	if err := again.Restore(snapshot); err != nil {
		t.Fatal(err)
	}
	if got := again.meter(t, "alice", nowhere).move(t, Upload, 1000); got != -1 {
		t.Error("an old snapshot gave bytes back")
	}
}

// TestSnapshotDamaged: no bit may be wrong, and nothing of it is believed then.
func TestSnapshotDamaged(t *testing.T) {
	tr, w := sampled(t)
	good := tr.Snapshot()
	refused := func(b []byte, what string) {
		t.Helper()
		into := newTransfers(t, w, Memory{})
		if err := into.Restore(b); err == nil || len(into.Usage()) != 0 {
			t.Errorf("%s: %v, and %d counters", what, err, len(into.Usage()))
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		refused(bad, fmt.Sprintf("bit of byte %d", i))
		refused(good[:i], fmt.Sprintf("first %d bytes", i))
	}
	refused(append(bytes.Clone(good), 0), "a byte more")
	first := len(snapshotMagic)
	for what, at := range map[string]int{"empty name": first, "late day": first + 48, "negative number": first + 56, "name after zeros": first + 16} {
		bad := bytes.Clone(good[:len(good)-crc32.Size])
		switch what {
		case "empty name", "name after zeros":
			bad[at] = 0
		case "late day":
			bad[at] = 0x7f
		default:
			bad[at] = 0xff
		}
		refused(binary.BigEndian.AppendUint32(bad, crc32.Checksum(bad, castagnoli)), what)
	}
	twice := bytes.Clone(good[:first+snapshotEntrySize])
	twice = append(twice, twice[first:]...)
	refused(binary.BigEndian.AppendUint32(twice, crc32.Checksum(twice, castagnoli)), "an entry twice")
}

// FuzzSnapshot: whatever is accepted is what a snapshot would say. The checksum is
// made right, or nothing else would be reached.
func FuzzSnapshot(f *testing.F) {
	tr, _ := sampled(f)
	good := tr.Snapshot()
	f.Add(good[:len(good)-crc32.Size])
	f.Add(good[:len(snapshotMagic)+snapshotEntrySize])
	f.Add([]byte(snapshotMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
		w := newWorld()
		tr := newTransfers(t, w, Memory{})
		if tr.Restore(b) == nil && !bytes.Equal(tr.Snapshot(), b) {
			t.Errorf("accepted %q and says %q", b, tr.Snapshot())
		}
	})
}

// TestManyAccounts bounds what limits cost: 20,000 accounts with all of them, in
// use. Those without cost nothing, which TestTransferLimits and TestRateEntries see.
func TestManyAccounts(t *testing.T) {
	const accounts, most = 20_000, 700 * 20_000
	e := transfer("month", 1<<30, 1<<30, 1<<30)
	e.Scalars.UploadBandwidth, e.Scalars.DownloadBandwidth = limited(1<<20), limited(1<<20)
	w := newWorld()
	names := make([]string, accounts)
	for i := range names {
		names[i] = fmt.Sprintf("o1.client-number-%06d", i)
		w.accounts[names[i]] = e
	}
	before := heap()
	var mem chunks
	r, tr := newRates(t, w, mem.memory()), newTransfers(t, w, Memory{})
	for _, name := range names {
		up, down := r.buckets(t, name, nowhere)
		if !up.Try(100) || !down.Try(100) || tr.meter(t, name, nowhere).move(t, Upload, 100) != 100 {
			t.Fatalf("%s is limited", name)
		}
	}
	used := heap() - before
	t.Logf("%d bytes an account", used/accounts)
	if used > most {
		t.Errorf("%d accounts take %d bytes, want at most %d", accounts, used, most)
	}
	again := newTransfers(t, w, Memory{})
	if err := again.Restore(tr.Snapshot()); err != nil {
		t.Fatal(err)
	}
	if got := len(again.Usage()); got != accounts {
		t.Errorf("%d counters are restored", got)
	}
	gone, chunks := w.accounts, len(mem.held)
	w.accounts = nil
	r.Reload()
	if len(r.pairs) != 0 {
		t.Errorf("%d are left of accounts that are gone", len(r.pairs))
	}
	w.accounts = gone
	for _, name := range names {
		r.buckets(t, name, nowhere)
	}
	if len(mem.held) != chunks {
		t.Errorf("%d chunks when all are back, want %d as before", len(mem.held), chunks)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkSnapshot100k(b *testing.B) {
	w := newWorld()
	tr := newTransfers(b, w, Memory{})
	for i := range 100_000 {
		if _, err := tr.counter(Key{Account: fmt.Sprintf("o1.client%d", i)}, 1); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		tr.Snapshot()
	}
}

func BenchmarkReload100k(b *testing.B) {
	w := newWorld()
	e := bandwidth(1<<20, 1<<20)
	r := newRates(b, w, Memory{})
	for i := range 100_000 {
		name := fmt.Sprintf("o1.client%d", i)
		w.set(name, e)
		r.buckets(b, name, nowhere)
	}
	for b.Loop() {
		r.Reload()
	}
}
