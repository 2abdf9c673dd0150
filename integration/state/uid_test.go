package state

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func nobody(uint32) bool { return false }

// allotAll asks for uids and fails the test if the store does.
func allotAll(t *testing.T, s *Store, r Range, taken func(uint32) bool, requests ...Request) []Allotment {
	t.Helper()
	got, err := s.Allot(requests, r, taken)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAllot(t *testing.T) {
	r := Range{100, 105}
	tests := []struct {
		name   string
		before []Request
		ask    []Request
		taken  []uint32
		want   []Allotment
	}{
		{"in order", nil, []Request{{"a", 0}, {"b", 0}}, nil, []Allotment{{UID: 100}, {UID: 101}}},
		{"kept", []Request{{"b", 0}}, []Request{{"a", 0}, {"b", 0}}, nil, []Allotment{{UID: 101}, {UID: 100}}},
		{"skips the host's", nil, []Request{{"a", 0}, {"b", 0}}, []uint32{100, 102}, []Allotment{{UID: 101}, {UID: 103}}},
		{"the wished one", nil, []Request{{"a", 0}, {"b", 100}}, nil, []Allotment{{UID: 101}, {UID: 100}}},
		{"wished outside the range", nil, []Request{{"b", 7}}, nil, []Allotment{{UID: 7}}},
		{"a new wish", []Request{{"a", 0}}, []Request{{"a", 7}}, nil, []Allotment{{UID: 7}}},
		{"a wish given up", []Request{{"a", 7}}, []Request{{"a", 0}}, nil, []Allotment{{UID: 7}}},
		{"back to an own old one", []Request{{"a", 7}, {"a", 8}}, []Request{{"a", 7}}, nil, []Allotment{{UID: 7}}},
		{"the wish of another", []Request{{"a", 7}}, []Request{{"b", 7}}, nil, []Allotment{{Err: &OwnedError{7, "a"}}}},
		{"given up, still not another's", []Request{{"a", 7}, {"a", 8}}, []Request{{"b", 7}}, nil, []Allotment{{Err: &OwnedError{7, "a"}}}},
		{"two with one wish", nil, []Request{{"a", 7}, {"b", 7}}, nil, []Allotment{{UID: 7}, {Err: &OwnedError{7, "a"}}}},
		{
			"exhausted",
			[]Request{{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}, {"e", 0}},
			[]Request{{"f", 0}, {"g", 0}, {"h", 0}, {"a", 0}},
			nil,
			[]Allotment{{UID: 105}, {Err: ErrExhausted}, {Err: ErrExhausted}, {UID: 100}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			for _, q := range tt.before {
				allotAll(t, s, r, nobody, q)
			}
			taken := func(uid uint32) bool {
				for _, u := range tt.taken {
					if u == uid {
						return true
					}
				}
				return false
			}
			got := allotAll(t, s, r, taken, tt.ask...)
			same := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
			if diff := cmp.Diff(tt.want, got, same); diff != "" {
				t.Errorf("Allot(%v) (-want +got):\n%s", tt.ask, diff)
			}
			s = reopen(t, s)
			for i, q := range tt.ask {
				if got[i].Err != nil {
					continue
				}
				if uid, ok := s.UID(q.Account); !ok || uid != got[i].UID {
					t.Errorf("UID(%s) after a restart = %d, %v, want %d", q.Account, uid, ok, got[i].UID)
				}
			}
		})
	}
}

func TestAllotFindsGapsAfterTheEnd(t *testing.T) {
	s := open(t, t.TempDir())
	busy := func(uid uint32) bool { return uid == 100 }
	got := allotAll(t, s, Range{100, 101}, busy, Request{"a", 0})
	if got[0].UID != 101 {
		t.Fatalf("Allot = %v, want 101", got)
	}
	// The host's user is gone: its uid was never an account's and may be used.
	got = allotAll(t, s, Range{100, 101}, nobody, Request{"b", 0})
	if got[0].UID != 100 {
		t.Errorf("Allot after the end of the range = %v, want 100", got)
	}
}

func TestAllotInAnotherRange(t *testing.T) {
	s := open(t, t.TempDir())
	allotAll(t, s, Range{100, 110}, nobody, Request{"a", 0})
	got := allotAll(t, s, Range{500, 510}, nobody, Request{"a", 0}, Request{"b", 0})
	if diff := cmp.Diff([]Allotment{{UID: 100}, {UID: 500}}, got); diff != "" {
		t.Errorf("Allot in a moved range (-want +got):\n%s", diff)
	}
}

func TestAllotManyAtOnce(t *testing.T) {
	const n = 10_000
	s := open(t, t.TempDir())
	requests := make([]Request, n)
	for i := range requests {
		requests[i].Account = fmt.Sprintf("o1.client%05d", i)
	}
	r := Range{1_900_000_000, 1_900_999_999}
	first := allotAll(t, s, r, nobody, requests...)
	seen := make(map[uint32]bool)
	for _, a := range first {
		if a.Err != nil || seen[a.UID] || !r.Contains(a.UID) {
			t.Fatalf("Allot gave %v: an error, twice, or outside %v", a, r)
		}
		seen[a.UID] = true
	}
	s = reopen(t, s)
	if diff := cmp.Diff(first, allotAll(t, s, r, nobody, requests...)); diff != "" {
		t.Errorf("Allot after a restart (-before +after):\n%s", diff)
	}
	all, err := s.UIDs()
	if err != nil || len(all) != n {
		t.Errorf("UIDs = %d accounts, %v, want %d", len(all), err, n)
	}
}

func TestAllotSettledWritesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	allotAll(t, s, Range{100, 110}, nobody, Request{"a", 0})
	writes := func() int64 {
		stats := s.db.Stats()
		return stats.TxStats.GetWrite()
	}
	before := writes()
	allotAll(t, s, Range{100, 110}, nobody, Request{"a", 0})
	if got := writes(); got != before {
		t.Errorf("pages written for a settled request = %d, want 0", got-before)
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if uid, ok := s.UID("a"); ok {
		t.Errorf("UID on a closed store = %d, want none", uid)
	}
	if _, err := s.Allot([]Request{{"a", 0}}, Range{1, 2}, nobody); err == nil {
		t.Error("Allot on a closed store succeeded")
	}
	if err := s.SetCredential("a", Credential{}); err == nil {
		t.Error("SetCredential on a closed store succeeded")
	}
}
