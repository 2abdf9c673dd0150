package limit

import (
	"testing"
	"time"
)

// TestPeriodTurns follows a counter over a clock's steps: each says what has
// moved in the period before 1 more byte does.
func TestPeriodTurns(t *testing.T) {
	zone := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	berlin, saoPaulo := zone("Europe/Berlin"), zone("America/Sao_Paulo")
	type step struct {
		at    string // local
		moved int64
	}
	for name, c := range map[string]struct {
		period string
		zone   *time.Location
		steps  []step
	}{
		"month": {"month", berlin, []step{
			{"2026-01-31 23:59:59", 0}, {"2026-02-01 00:00:00", 0}, {"2026-02-28 23:59:59", 1}, {"2026-03-01 00:00:00", 0}, {"2027-03-15 12:00:00", 0},
		}},
		"default is month":      {"", berlin, []step{{"2026-01-31 23:59:59", 0}, {"2026-02-01 00:00:00", 0}}},
		"day":                   {"day", berlin, []step{{"2028-02-28 23:59:59", 0}, {"2028-02-29 00:00:00", 0}, {"2028-02-29 23:59:59", 1}, {"2028-03-01 00:00:00", 0}}},
		"never":                 {"never", berlin, []step{{"2026-01-31 23:59:59", 0}, {"2026-02-01 00:00:00", 1}, {"2090-01-01 00:00:00", 2}}},
		"day without midnight":  {"day", saoPaulo, []step{{"2018-11-03 22:59:59", 0}, {"2018-11-03 23:59:59", 1}, {"2018-11-04 01:00:00", 0}, {"2018-11-04 23:59:59", 1}}},
		"hour that comes twice": {"day", berlin, []step{{"2026-10-25 02:59:59", 0}, {"2026-10-25 02:00:00", 1}, {"2026-10-26 00:00:00", 0}}},
		"set back over the turn": {"month", berlin, []step{
			{"2026-11-30 23:59:59", 0}, {"2026-12-01 00:00:01", 0}, {"2026-11-30 23:59:58", 1}, {"2026-12-01 00:00:00", 2}, {"2026-12-31 00:00:00", 3}, {"2027-01-01 00:00:00", 0},
		}},
		"no clock at boot": {"month", berlin, []step{{"2026-11-30 12:00:00", 0}, {"1970-01-01 00:00:00", 1}, {"1969-12-31 00:00:00", 2}, {"2026-11-30 12:01:00", 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.set("alice", transfer(c.period, 1000, 0, 0))
			at := func(s string) time.Time {
				local, err := time.ParseInLocation(time.DateTime, s, c.zone)
				if err != nil {
					t.Fatal(err)
				}
				return local
			}
			w.setTime(at(c.steps[0].at))
			tr := newTransfers(t, w, Memory{})
			m := tr.meter(t, "alice", nowhere)
			for _, s := range c.steps {
				w.setTime(at(s.at))
				if left, _ := m.Left(Upload); 1000-left != s.moved {
					t.Errorf("%s: %d have moved, want %d", s.at, 1000-left, s.moved)
				}
				if got := tr.Usage()[0].Moved[Upload]; got != s.moved {
					t.Errorf("%s: usage is %d, want %d", s.at, got, s.moved)
				}
				m.move(t, Upload, 1)
			}
		})
	}
}

// TestHoldOverTheTurn: bytes count in the period in which they were reserved,
// whoever turns it, and only there.
func TestHoldOverTheTurn(t *testing.T) {
	for _, turned := range []bool{false, true} {
		w := newWorld()
		w.setTime(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC))
		w.set("alice", transfer("month", 100, 0, 0))
		tr := newTransfers(t, w, Memory{})
		m := tr.meter(t, "alice", nowhere)
		m.move(t, Upload, 40)
		h, err := m.Reserve(nil, Upload, 60)
		if err != nil {
			t.Fatal(err)
		}
		w.setTime(time.Date(2026, 12, 1, 0, 0, 1, 0, time.UTC))
		if turned {
			if got := m.move(t, Upload, 30); got != 30 {
				t.Errorf("moved %d in December with 60 in flight, want 30", got)
			}
			if _, ok, err := m.Try(Upload, 11); ok || err != nil {
				t.Errorf("11 of the last 10: %v, %v", ok, err)
			}
		}
		h.Settle(60)
		want := int64(0)
		if turned {
			want = 30
		}
		if u := tr.Usage()[0]; !u.Since.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) || u.Moved[Upload] != want || u.InFlight[Upload] != 0 {
			t.Errorf("usage is %+v, want %d in December", u, want)
		}
	}
}
