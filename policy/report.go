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
	uses   map[useKey]*usage

	doubt bool // the account that is judged has less than was meant, see idle
}

// useKey identifies one entry of an account or a group.
type useKey struct {
	what string
	at   Pos
}

// usage says whether an entry does something for anybody, and else why not.
type usage struct {
	used bool
	text string
	sharedCount
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

// String returns the end of a message that names the accounts.
func (c *sharedCount) String() string {
	if c.more == 0 {
		return fmt.Sprintf(" (account %q)", c.account)
	}
	return fmt.Sprintf(" (account %q and %d more)", c.account, c.more)
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
	r.doubt = r.doubt || severity == SeverityError
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

// used notes that the entry of the key what at a place does something for some
// account.
func (r *report) used(what string, at Pos) {
	if r == nil || at.IsZero() {
		return
	}
	if u := r.uses[useKey{what, at}]; u != nil {
		u.used = true
		return
	}
	if r.uses == nil {
		r.uses = make(map[useKey]*usage)
	}
	r.uses[useKey{what, at}] = &usage{used: true}
}

// isUsed reports whether an entry is known to do something, or needs no answer.
func (r *report) isUsed(what string, at Pos) bool {
	if at.IsZero() {
		return true
	}
	u := r.uses[useKey{what, at}]
	return u != nil && u.used
}

// idle notes that an entry does nothing for account, which inherits it. Where it
// does nothing for anybody that is a warning: a group's entry may well be meant
// for some of its members only.
func (r *report) idle(account, what string, at Pos, format string, args ...any) {
	if r == nil || at.IsZero() {
		return
	}
	if r.doubt {
		r.used(what, at) // it may be idle for what is missing
		return
	}
	key := useKey{what, at}
	switch u := r.uses[key]; {
	case u == nil:
		if r.uses == nil {
			r.uses = make(map[useKey]*usage)
		}
		r.uses[key] = &usage{text: fmt.Sprintf(format, args...), sharedCount: sharedCount{account: account}}
	case !u.used:
		u.more++
	}
}

// problems returns everything found, sorted by place.
func (r *report) problems() []Problem {
	for key, u := range r.uses {
		if !u.used {
			r.list = append(r.list, Problem{At: key.at, Severity: SeverityWarning, Text: key.what + ": " + u.text + u.String()})
		}
	}
	for i, c := range r.counts {
		r.list[i].Text += c.String()
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
