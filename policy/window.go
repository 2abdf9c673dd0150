package policy

import "time"

// contains reports whether the window is open at now, by the wall clock of its
// zone: an hour that a change of clocks leaves out is never reached, one that it
// repeats counts twice. A zone that nobody resolved is open at no time.
func (t AccessTime) contains(now time.Time) bool {
	loc := t.location()
	if loc == nil {
		return false
	}
	local := now.In(loc)
	minute := local.Hour()*60 + local.Minute()
	if t.From <= t.To {
		return local.Weekday() == t.Weekday && t.From <= minute && minute <= t.To
	}
	next := (t.Weekday + 1) % 7
	return (local.Weekday() == t.Weekday && minute >= t.From) || (local.Weekday() == next && minute <= t.To)
}

// location returns the zone that the window is meant in, nil if it is unknown.
func (t AccessTime) location() *time.Location {
	if t.Location == nil && (t.Zone == "" || t.Zone == "UTC") {
		return time.UTC
	}
	return t.Location
}

// sameWindow reports whether two windows are open at the same times, wherever
// they are written.
func sameWindow(a, b AccessTime) bool {
	zone := func(t AccessTime) string {
		if t.Zone == "" {
			return "UTC"
		}
		return t.Zone
	}
	return a.Weekday == b.Weekday && a.From == b.From && a.To == b.To && zone(a) == zone(b)
}
