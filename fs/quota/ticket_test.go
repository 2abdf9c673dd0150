package quota

import (
	"testing"
	"unsafe"

	"grantfs/policy"
)

// TestTicket: whoever takes a ledger over in the middle of a payment ends it, once.
func TestTicket(t *testing.T) {
	var chunks [][]byte
	grow := func(size int) ([]byte, error) {
		mem, err := GoMemory(size)
		chunks = append(chunks, mem)
		return mem, err
	}
	panics := func(what string) { panic(what) }
	l := New(grow, panics)
	source := []policy.Bucket{SourceBucket("/a"), bucket("account:a", 1<<20, 1<<20, 1<<20)}
	s, err := l.Set(source)
	if err != nil {
		t.Fatal(err)
	}
	l.Add(s, Charge{10, 1, 1})
	paid, paying, open := new(Ticket), new(Ticket), new(Ticket)
	l.Pay(paid, s, Charge{5, 0, 0})
	// As far as a process comes that is killed between the buckets of one payment.
	for i := range s.entries {
		paying.pay(&s.entries[i], amounts{100, 1, 1})
	}
	paying.begin()
	s.entries[0].record.used[Bytes] += 100

	l, err = Attach(grow, panics, chunks)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for ticket, want := range map[*Ticket]bool{paid: true, paying: true, open: false} {
			if got := l.Paid(ticket); got != want {
				t.Errorf("Paid = %v, want %v", got, want)
			}
		}
		if got, want := l.Usage("source:/a").Used, (Charge{115, 2, 2}); got != want {
			t.Errorf("the source holds %+v, want %+v", got, want)
		}
	}
	if size := unsafe.Sizeof(Ticket{}); size > 72 {
		t.Errorf("a ticket takes %d bytes", size)
	}
}
