package policy

import (
	"slices"
	"strings"
	"time"
)

// layer is one source of settings of an account, in the order of the merge.
type layer struct {
	origin   string
	settings *Settings
	kind     layerKind
	group    *Group // nil for the account itself
}

type layerKind uint8

const (
	ownLayer layerKind = iota
	primaryLayer
	secondaryLayer
)

// layers returns the account, its primary group and its secondary groups in the
// order written. Membership groups contribute nothing.
func (s *Set) layers(a *Account) []layer {
	list := make([]layer, 1, 2+len(a.SecondaryGroups))
	list[0] = layer{"account:" + a.Name, &a.Settings, ownLayer, nil}
	if g := s.groups[a.PrimaryGroup.Value]; g != nil && a.PrimaryGroup.Value != "" {
		list = append(list, layer{"group:" + g.Name, &g.Settings, primaryLayer, g})
	}
	for _, name := range a.SecondaryGroups {
		g := s.groups[name.Value]
		// A group that is there twice was reported where it is; it counts once.
		if g != nil && !slices.ContainsFunc(list, func(l layer) bool { return l.group == g }) {
			list = append(list, layer{"group:" + g.Name, &g.Settings, secondaryLayer, g})
		}
	}
	return list
}

// effective folds the settings of a with its groups' (product.md §4). What is
// wrong with an entry itself was reported where it is written; rep gets what
// only the merge shows.
func (s *Set) effective(a *Account, rep *report) *Effective {
	e := &Effective{account: a}
	list := s.layers(a)
	e.mergeScalars(list)
	e.mergeGroupQuota(list)
	e.mergeExpiry(a, list, rep)

	grants := additive[Grant]{set: s, account: a, rep: rep, what: "permissions"}
	patterns := additive[Pattern]{set: s, account: a, rep: rep, what: "file_patterns"}
	folders := additive[Virtual]{set: s, account: a, rep: rep, what: "virtual_folders"}
	var n [3]int
	for _, l := range list {
		n[0] += len(l.settings.Permissions)
		n[1] += len(l.settings.FilePatterns)
		n[2] += len(l.settings.VirtualFolders)
	}
	grants.list = make([]Grant, 0, n[0]+2) // and what is implied
	patterns.list = slices.Grow(patterns.list, n[1])
	folders.list = slices.Grow(folders.list, n[2])
	for _, l := range list {
		for i := range l.settings.Permissions {
			p := &l.settings.Permissions[i]
			grants.add(l, p.Path, p.Path.At, func(r Rule) (Grant, bool) {
				return Grant{Rule: r, Verbs: parseVerbs(p.Verbs)}, true
			})
		}
		for i := range l.settings.FilePatterns {
			p := &l.settings.FilePatterns[i]
			patterns.add(l, p.Path, p.At, func(r Rule) (Pattern, bool) {
				return Pattern{
					Rule:    r,
					Allowed: values(p.Allowed),
					Denied:  values(p.Denied),
					Hide:    p.DenyPolicy.Value == "hide",
				}, true
			})
		}
		for i := range l.settings.VirtualFolders {
			m := &l.settings.VirtualFolders[i]
			folders.add(l, m.Path, m.At, func(r Rule) (Virtual, bool) {
				return s.virtual(a, m, r, rep)
			})
		}
		e.BandwidthLimits = appendAll(e.BandwidthLimits, l, l.settings.BandwidthLimits, func(b BandwidthLimit) Pos { return b.At })
		e.DataTransferLimits = appendAll(e.DataTransferLimits, l, l.settings.DataTransferLimits, func(d DataTransferLimit) Pos { return d.At })
		e.AccessTime = appendWindows(e.AccessTime, l)
		e.AllowedIP = appendNew(e.AllowedIP, l, l.settings.AllowedIP)
		e.DeniedIP = appendNew(e.DeniedIP, l, l.settings.DeniedIP)
		e.DeniedLoginMethods = appendNew(e.DeniedLoginMethods, l, l.settings.DeniedLoginMethods)
		e.DeniedProtocols = appendNew(e.DeniedProtocols, l, l.settings.DeniedProtocols)
		e.TwoFactorProtocols = appendNew(e.TwoFactorProtocols, l, l.settings.TwoFactorProtocols)
		e.WebClient = appendNew(e.WebClient, l, l.settings.WebClient)
	}
	e.FilePatterns = patterns.list
	e.VirtualFolders = folders.list
	e.Permissions = s.implied(a, e, grants.list)
	return e
}

// mergeScalars takes the account's own values, then its primary group's.
func (e *Effective) mergeScalars(list []layer) {
	for i := range scalars {
		row := &scalars[i]
		for _, l := range list {
			if l.kind == secondaryLayer || !row.isSet(l.settings) || (row.shared && l.sharesQuota()) {
				continue
			}
			if e.origins[i] == "" || (l.kind == primaryLayer && row.primary == replaces) {
				row.copy(&e.Scalars, l.settings)
				e.origins[i] = l.origin
			}
		}
	}
}

// sharesQuota reports whether l is a group whose members have one quota in
// common.
func (l *layer) sharesQuota() bool { return l.group != nil && l.group.QuotaScope.Value == scopeGroup }

// The values of quota_scope.
const (
	scopeMember = "member"
	scopeGroup  = "group"
)

// mergeGroupQuota finds the quota that the account shares with others.
func (e *Effective) mergeGroupQuota(list []layer) {
	for _, l := range list {
		if l.kind != primaryLayer {
			continue
		}
		e.primary = l.group
		if s := l.settings; l.sharesQuota() {
			e.GroupQuota = &GroupQuota{Group: l.group.Name, Size: s.QuotaSize, Files: s.QuotaFiles, Inodes: s.QuotaInodes}
		}
	}
}

// mergeExpiry finds when the account ends.
func (e *Effective) mergeExpiry(a *Account, list []layer, rep *report) {
	in := e.Scalars.ExpiresIn
	switch {
	case a.ExpiresAt.Set:
		e.ExpiresAt, e.expiresOrigin = a.ExpiresAt, list[0].origin
	case !in.Set || in.Value <= 0:
	case a.CreatedAt.Set:
		e.ExpiresAt = Setting[time.Time]{Value: a.CreatedAt.Value.Add(in.Value), At: in.At, Set: true}
		e.expiresOrigin = e.Origin("expires_in")
	case !a.Discovered:
		rep.errorf(a.At, "account %q inherits expires_in from %s (%s) and needs created_at", a.Name, e.Origin("expires_in"), in.At)
	}
}

// implied adds the permissions of lowest precedence (product.md §5) where
// nobody wrote an entry for exactly that path.
func (s *Set) implied(a *Account, e *Effective, list []Grant) []Grant {
	add := func(path string, verbs Verbs) {
		if !slices.ContainsFunc(list, func(g Grant) bool { return g.Path == path }) {
			list = append(list, Grant{Rule: Rule{Origin: OriginDefault, Path: path}, Verbs: verbs, implied: true})
		}
	}
	if e.Scalars.HomeDir.Set && e.Scalars.HomeDir.Value != "" {
		add("/", VerbAll)
	} else {
		add("/", VerbList)
	}
	if s.hasSites(a) {
		add(sitesPath, VerbAll)
	}
	for i := range e.VirtualFolders {
		if v := &e.VirtualFolders[i]; v.Entry.Discovered {
			add(v.Path, VerbAll)
		}
	}
	return list
}

// additive merges entries per path: the first owner of a path wins it wholly.
type additive[E any] struct {
	set     *Set
	account *Account
	rep     *report
	what    string // the key in the configuration
	list    []E
	taken   map[string]owned
}

type owned struct {
	layer
	at Pos
}

// add builds the entry that l has for path, unless the path has one.
func (m *additive[E]) add(l layer, path Setting[string], at Pos, build func(Rule) (E, bool)) {
	clean, err := expandPath(path.Value, m.account)
	if err != nil {
		if strings.Contains(path.Value, "%") {
			m.rep.each(m.account.Name, at, SeverityError, "%s: %v", m.what, err)
		}
		return
	}
	if clean == "/" && l.kind == secondaryLayer {
		m.rep.idle(m.account.Name, m.what, at, "/ of %s is not used: a secondary group gives nothing for /", l.origin)
		return
	}
	if first, ok := m.taken[clean]; ok {
		m.conflict(clean, first, l, at)
		return
	}
	entry, ok := build(Rule{Origin: l.origin, At: at, Path: clean})
	if !ok {
		return
	}
	if m.taken == nil {
		m.taken = map[string]owned{}
	}
	if clean == "/" && l.group != nil {
		m.rep.used(m.what, at)
	}
	m.taken[clean] = owned{l, at}
	m.list = append(m.list, entry)
}

// conflict reports a path that has two owners of one rank.
func (m *additive[E]) conflict(path string, first owned, l layer, at Pos) {
	switch {
	case first.settings == l.settings:
		m.rep.each(m.account.Name, at, SeverityError, "%s: %s is set twice for %s, first at %s", m.what, path, l.origin, first.at)
	case first.kind == secondaryLayer:
		severity := SeverityWarning
		if m.set.strict {
			severity = SeverityError
		}
		m.rep.each(m.account.Name, at, severity, "%s: %s of %s is not used: %s, written before it, sets it at %s",
			m.what, path, l.origin, first.origin, first.at)
	}
}

// appendAll appends the elements of one layer.
func appendAll[T any](to []From[T], l layer, list []T, at func(T) Pos) []From[T] {
	for _, v := range list {
		to = append(to, From[T]{Value: v, Origin: l.origin, At: at(v)})
	}
	return to
}

// appendWindows appends the access times of one layer that are not there yet.
func appendWindows(to []From[AccessTime], l layer) []From[AccessTime] {
	for _, w := range l.settings.AccessTime {
		if !slices.ContainsFunc(to, func(f From[AccessTime]) bool { return sameWindow(f.Value, w) }) {
			to = append(to, From[AccessTime]{Value: w, Origin: l.origin, At: w.At})
		}
	}
	return to
}

// appendNew appends the elements of one layer that are not there yet.
func appendNew[T comparable](to []From[T], l layer, list []Setting[T]) []From[T] {
	if len(list) == 0 {
		return to
	}
	seen := make(map[T]bool, len(to)+len(list))
	for _, f := range to {
		seen[f.Value] = true
	}
	for _, v := range list {
		if !seen[v.Value] {
			seen[v.Value] = true
			to = append(to, From[T]{Value: v.Value, Origin: l.origin, At: v.At})
		}
	}
	return to
}

// parseVerbs returns the verbs of a list; unknown ones were reported where they
// are written.
func parseVerbs(list []Setting[string]) Verbs {
	var verbs Verbs
	for _, name := range list {
		v, _ := ParseVerb(name.Value)
		verbs |= v
	}
	return verbs
}
