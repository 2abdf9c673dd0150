package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// report collects problems. A nil report drops them: what Compile has accepted
// is built again later without being judged again.
type report struct {
	list   []Problem
	shared map[sharedKey]int // index into list
	counts map[int]*sharedCount
}

// sharedKey identifies one finding about a group's entry, however many
// accounts inherit it.
type sharedKey struct {
	at   Pos
	text string
}

type sharedCount struct {
	account string
	more    int
}

func (r *report) add(at Pos, severity Severity, format string, args ...any) {
	if r != nil {
		r.list = append(r.list, Problem{At: at, Severity: severity, Text: fmt.Sprintf(format, args...)})
	}
}

func (r *report) errorf(at Pos, format string, args ...any) {
	r.add(at, SeverityError, format, args...)
}

func (r *report) warnf(at Pos, format string, args ...any) {
	r.add(at, SeverityWarning, format, args...)
}

// each adds what was found while the settings of account were merged. The same
// finding about several accounts becomes one problem that names the first and
// counts the others: a broken group must not be reported 10,000 times.
func (r *report) each(account string, at Pos, severity Severity, format string, args ...any) {
	if r == nil {
		return
	}
	key := sharedKey{at, fmt.Sprintf(format, args...)}
	if i, ok := r.shared[key]; ok {
		r.counts[i].more++
		return
	}
	if r.shared == nil {
		r.shared = make(map[sharedKey]int)
		r.counts = make(map[int]*sharedCount)
	}
	r.shared[key] = len(r.list)
	r.counts[len(r.list)] = &sharedCount{account: account}
	r.list = append(r.list, Problem{At: at, Severity: severity, Text: key.text})
}

// problems returns everything found, sorted by place.
func (r *report) problems() []Problem {
	for i, c := range r.counts {
		switch c.more {
		case 0:
			r.list[i].Text += fmt.Sprintf(" (account %q)", c.account)
		default:
			r.list[i].Text += fmt.Sprintf(" (account %q and %d more)", c.account, c.more)
		}
	}
	slices.SortStableFunc(r.list, func(a, b Problem) int {
		return cmp.Or(
			a.At.compare(b.At),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Text, b.Text),
		)
	})
	return slices.CompactFunc(r.list, func(a, b Problem) bool { return a == b })
}

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}
