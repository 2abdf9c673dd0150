package policy

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Set is a compiled policy: immutable, safe for concurrent use.
type Set struct {
	views map[string]*View
	list  []*View // sorted by account name

	groups   map[string]*Group
	folders  map[string]*Folder
	owned    map[string][]*Site // by account
	instance map[string][]*Site // by instance, for its main account
	unowned  map[string][]*Site // by instance, for all of its clients
	sites    *siteNode
	shown    []*Site           // every site that can be shown
	frozen   map[string]*Rule  // by Freezable's names
	locked   map[string]string // by account: why

	point  string
	strict bool
}

// View returns the view of an account.
func (s *Set) View(account string) (*View, bool) {
	v, ok := s.views[account]
	return v, ok
}

// UserXattrs reports whether any folder has user.* attributes.
func (s *Set) UserXattrs() bool {
	for _, f := range s.folders {
		if f.UserXattrs.Value {
			return true
		}
	}
	return false
}

// Views returns every view, sorted by account name. The slice is the Set's own:
// do not change it.
func (s *Set) Views() []*View { return s.list }

// Source is a backing directory of a Set. Optional: it need not be there: a home
// that is made when its view is first entered, a store that no link need lead to.
type Source struct {
	Path     string
	Optional bool
}

// Sources returns every distinct backing directory of the Set's mounts and of the
// stores of its sites, sorted: those that Charged names. It builds the mounts of
// all views: it is for reports, not for requests.
func (s *Set) Sources() []Source {
	optional := make(map[string]bool)
	note := func(path string, may bool) {
		all, known := optional[path]
		optional[path] = may && (all || !known)
	}
	for _, v := range s.list {
		for _, m := range v.transientMounts() {
			note(m.Source, m.Create)
			for path := range m.storePaths() {
				note(path, true)
			}
		}
	}
	list := make([]Source, 0, len(optional))
	for path, may := range optional {
		list = append(list, Source{path, may})
	}
	slices.SortFunc(list, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// View is what one account sees and may do: immutable. Its rules are built when
// they are first asked for: a Set of 100,000 accounts holds little for those
// that nobody visits.
type View struct {
	set     *Set
	account *Account
	built   atomic.Pointer[rules]
}

// Account returns the name of the account whose view it is.
func (v *View) Account() string { return v.account.Name }

// Written returns where the account is written: its table, or the file that it
// was discovered in.
func (v *View) Written() Pos { return v.account.At }

// Root returns the rules of the view's "/".
func (v *View) Root() *Place { return v.rules().root }

// At returns the rules of the directory at the absolute path vpath of the view.
// It is for explain and tests: requests descend by Place.Child.
func (v *View) At(vpath string) *Place {
	return v.rules().at(vpath)
}

// Mounts returns the view's mounts, sorted by path. The slice is the View's
// own: do not change it.
func (v *View) Mounts() []*Mount { return v.rules().mounts }

// Sites returns the sites that the view shows, sorted by name. The sites are
// the Set's own: do not change them.
func (v *View) Sites() []*Site { return v.set.sitesOf(v.account) }

// Main reports whether the account is the main account of its instance.
func (v *View) Main() bool { return v.account.Main }

// Discovered reports whether the account was found on an Aegir host, not only
// configured.
func (v *View) Discovered() bool { return v.account.Discovered }

// Instance returns the instance of a discovered account, "" for others.
func (v *View) Instance() string { return v.account.Instance }

// Client returns the Aegir client behind the account, "" for others.
func (v *View) Client() string { return v.account.Client }

// Enabled reports whether the account may be used at all.
func (v *View) Enabled() bool { return v.WhyDisabled() == "" }

// WhyDisabled says why the account may not be used at all, "" if it may.
func (v *View) WhyDisabled() string {
	why, locked := v.Locked()
	switch {
	case locked && why == "":
		return "it is locked"
	case locked:
		return "it is locked: " + why
	case v.account.Enabled.Set && !v.account.Enabled.Value:
		return "it is disabled"
	}
	return ""
}

// CreatedAt returns when the account was made, not set where nobody knows.
func (v *View) CreatedAt() Setting[time.Time] { return v.account.CreatedAt }

// UID returns the configured uid, not Set where one is to be allotted.
func (v *View) UID() Setting[uint32] { return v.account.UID }

// PasswordHash returns the configured crypt(3) hash that seeds an empty
// credential (product.md §3).
func (v *View) PasswordHash() Setting[string] { return v.account.PasswordHash }

// Groups returns the names of the account's groups: primary (empty for none),
// secondary in the order written, membership.
func (v *View) Groups() (primary string, secondary, membership []string) {
	return v.account.PrimaryGroup.Value, values(v.account.SecondaryGroups), values(v.account.MembershipGroups)
}

// Effective returns the account's settings folded with its groups' (product.md
// §4). It is computed at each call.
func (v *View) Effective() *Effective { return v.set.effective(v.account, nil) }

// rules returns the view's compiled form. Of two that are built at once, one
// wins: Mounts and Places of a View keep their identity.
func (v *View) rules() *rules {
	if r := v.built.Load(); r != nil {
		return r
	}
	r := newRules(v.set, v.account)
	if !v.built.CompareAndSwap(nil, r) {
		r = v.built.Load()
	}
	return r
}

// transientMounts returns the view's mounts without keeping them.
func (v *View) transientMounts() []*Mount { return v.mountsUnder(nil) }

// mountsUnder is transientMounts for a caller that may have the view's settings.
func (v *View) mountsUnder(eff *Effective) []*Mount {
	if r := v.built.Load(); r != nil {
		return r.mounts
	}
	if eff == nil {
		eff = v.Effective()
	}
	return v.set.mounts(v.account, eff, nil)
}

// values returns what list holds, without the places.
func values[T any](list []Setting[T]) []T {
	out := make([]T, len(list))
	for i, s := range list {
		out[i] = s.Value
	}
	return out
}
