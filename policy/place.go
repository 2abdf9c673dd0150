package policy

import (
	"slices"
	"strings"
	"sync/atomic"
)

// FileType is the type of an existing object.
type FileType uint8

// The types that a view can hold.
const (
	TypeNone FileType = iota // nothing is there
	TypeFile
	TypeDir
	TypeSymlink
)

// Target is what is known of the object that a question is about.
type Target struct {
	Name string
	Type FileType
	Perm uint32 // permission bits on disk, 0 when unknown
}

// Place is the rules of one directory of a view: what may be done with the
// names in it. Immutable; equal places are the same pointer wherever nothing
// below them differs, so descending allocates nothing.
type Place struct {
	rules *rules
	mount *Mount
	spot  spot

	// The positions of the tree of rules from which something lies below.
	self *node
	via  []*node

	grant   *Grant   // the nearest permission entry
	pattern *pattern // the nearest file-pattern entry, nil for none
	shutBy  *pattern // the entry that denied this directory or one above it
	access  access

	view  Verbs // of the grant
	own   Verbs // of the mount
	verbs Verbs // view ∩ own
	fast  Verbs // verbs, where no name in the directory is special; else none

	top       bool // the view's "/"
	root      bool // the root of mount
	synthetic bool
	settled   bool // no entry and no site lies below

	credentials Credentials

	kids     map[string]*Place // by step.key; guarded by rules.mu
	below    atomic.Pointer[Place]
	provided atomic.Pointer[[]Provided]
}

// access says what a denied directory leaves of what is below it.
type access uint8

const (
	accessOpen access = iota
	accessWay         // only what leads to an entry below
	accessShut        // nothing
)

// Mount returns the mount whose backing the directory lies in, nil where only
// the view provides it.
func (p *Place) Mount() *Mount { return p.mount }

// IsMountRoot reports whether the directory is the root of its mount.
func (p *Place) IsMountRoot() bool { return p.root }

// Synthetic reports whether the view itself provides the directory (a parent
// of mount points or a reserved name). A synthetic place with a Mount is one
// that a real directory of that mount is merged into, if there is one.
func (p *Place) Synthetic() bool { return p.synthetic }

// Verbs returns what the account may do with the names in the directory by its
// permissions and the mount's own, before patterns and presets.
func (p *Place) Verbs() Verbs { return p.verbs }

// Rule returns the permission entry that governs the directory.
func (p *Place) Rule() Rule {
	if p.grant == nil {
		return Rule{Origin: OriginDefault, Path: "/"}
	}
	return p.grant.Rule
}

// Provided is a name that the view itself provides.
type Provided struct {
	Name   string
	Listed bool // false: reachable by name only
	Place  *Place
}

// Provided returns the names that the view itself provides in the directory,
// sorted. They are never taken from the backing. The slice is the Place's own:
// do not change it.
func (p *Place) Provided() []Provided {
	if p.self == nil {
		return nil
	}
	if list := p.provided.Load(); list != nil {
		return *list
	}
	var list []Provided
	for name := range p.self.exact {
		if entry, ok := p.ProvidedName(name); ok {
			list = append(list, entry)
		}
	}
	slices.SortFunc(list, func(a, b Provided) int { return strings.Compare(a.Name, b.Name) })
	p.provided.Store(&list)
	return list
}

// ProvidedName returns the provided entry called name.
func (p *Place) ProvidedName(name string) (Provided, bool) {
	if !p.provides(name) {
		return Provided{}, false
	}
	hidden := p.pattern != nil && p.pattern.hide && !p.pattern.permits(name)
	hidden = hidden || p.top && name == keysName
	return Provided{Name: name, Listed: !hidden, Place: p.Child(name)}, true
}

// provides reports whether the view itself provides name in p.
func (p *Place) provides(name string) bool {
	if p.self == nil {
		return false
	}
	n := p.self.exact[name]
	return n != nil && n.provided
}

// reserves reports whether name is kept free in p for what the view may come to
// provide there (product.md §5).
func (p *Place) reserves(name string) bool {
	return p.top && (reservedName(name) || "/"+name == sitesPath || name == usersName) && !p.provides(name)
}

// Store returns the stores that a link called name leads to in p, which is the
// top level of a site; none where p is no such place. Each is a candidate: the
// link must lead to exactly one of them (product.md §11).
func (p *Place) Store(name string) []Store {
	var all []Store
	switch {
	case p.spot.region == regionTop:
		all = p.spot.site.stores
	case p.root:
		all = p.mount.Stores
	}
	var list []Store
	for _, s := range all {
		if s.Name == name {
			list = append(list, s)
		}
	}
	return list
}
