package limit

import "time"

// Period is how long a transfer limit lasts before its counters begin anew
// (product.md §9).
type Period uint8

// The periods. A month is the default.
const (
	Month Period = iota
	Day
	Never
)

// periodOf returns the period that transfer_period names.
func periodOf(name string) Period {
	switch name {
	case "day":
		return Day
	case "never":
		return Never
	}
	return Month
}

// first returns the number of the first day of the period that t lies in, in t's
// zone: days since 1 January 1970, 0 before that and for a period that never ends. A date, not an
// instant: neither daylight saving time nor another zone of the host moves it.
func (p Period) first(t time.Time) int64 {
	y, m, d := t.Date()
	switch p {
	case Never:
		return 0
	case Month:
		d = 1
	}
	return max(dayOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)), 0)
}

const (
	secondsADay = 24 * 60 * 60
	lastDay     = 1 << 31
)

// dayOf returns the number of the day that begins at t, a midnight in UTC.
func dayOf(t time.Time) int64 { return t.Unix() / secondsADay }

// dateOf is the inverse of dayOf.
func dateOf(day int64) time.Time { return time.Unix(day*secondsADay, 0).UTC() }
