package policy

import "slices"

// renameVerbs returns the verbs that moving an object of type t needs; where the
// type is not known, both.
func renameVerbs(t FileType) Verbs {
	switch t {
	case TypeDir:
		return VerbRenameDirs
	case TypeNone:
		return VerbRenameFiles | VerbRenameDirs
	}
	return VerbRenameFiles
}

// makeVerbs returns the verbs whose removal by a preset forbids a name to an
// object of type t, however it comes by the name.
func makeVerbs(t FileType) Verbs {
	switch t {
	case TypeDir:
		return VerbCreateDirs
	case TypeSymlink:
		return VerbCreateSymlinks
	case TypeNone:
		return VerbUpload | VerbCreateDirs
	}
	return VerbUpload
}

// CheckRename answers whether from (which is in p) may be moved to the name to.Name
// in q; to.Type is what is there now.
func (p *Place) CheckRename(from Target, q *Place, to Target) Verdict {
	need := renameVerbs(from.Type)
	if v := p.ask(from, need, useObject); !v.Allowed() {
		return v
	}
	into := Target{Name: to.Name, Type: from.Type, Perm: from.Perm}
	if to.Type != TypeNone {
		need |= VerbOverwrite
		into.Type, into.Perm = to.Type, to.Perm
	}
	if v := q.ask(into, need, useName); !v.Allowed() {
		return v
	}
	if v := p.checkArrival(from, q, to.Name); !v.Allowed() {
		return v
	}
	if p.gainsDownload(from, q, to.Name) {
		return Verdict{Reason: ReasonGainsDownload, Rule: q.rule()}
	}
	if from.Type == TypeDir {
		if v := p.checkTree(from, q, to.Name); !v.Allowed() {
			return v
		}
	}
	if from.Type != TypeSymlink && p.gainsElsewhere(q) {
		// The client may still copy it, which asks for download.
		return Verdict{Reason: ReasonGainsDownload, Class: ClassCross, Rule: q.rule()}
	}
	return p.checkCross(from, q)
}

// CheckExchange answers whether a (in p) and b (in q) may change places: both
// moves must be permitted. Nothing is overwritten by it.
func (p *Place) CheckExchange(a Target, q *Place, b Target) Verdict {
	if v := p.CheckRename(a, q, Target{Name: b.Name}); !v.Allowed() {
		return v
	}
	return q.CheckRename(b, p, Target{Name: a.Name})
}

// checkTree judges the move of a directory with all below it, which the view
// does not look at.
func (p *Place) checkTree(from Target, q *Place, name string) Verdict {
	s, d := p.Child(from.Name), q.Child(name)
	if s == d {
		return Verdict{}
	}
	if s.grant != p.grant && s.grant != d.grant || s.pattern != p.pattern && s.pattern != d.pattern || s.leads() {
		// The entry says what holds at this name: it must not be left behind.
		return Verdict{Reason: ReasonEntry, Rule: s.rule()}
	}
	if d.pattern != nil && !d.pattern.open && d.pattern != s.pattern {
		// Names that may not be made there would come along; the client may
		// copy it, name by name.
		return Verdict{Reason: ReasonPattern, Class: ClassCross, Rule: d.pattern.rule}
	}
	return Verdict{}
}

// checkArrival judges the new name by the preset: what may not be made there
// may not come there either.
func (p *Place) checkArrival(from Target, q *Place, name string) Verdict {
	removed, _, rule := q.spot.protects(Target{Name: name, Type: from.Type}, q.rules.main)
	made := makeVerbs(from.Type)
	if from.Type == TypeSymlink && p.spot.region != regionNone {
		made = VerbUpload // a link that was in a site before may move in it
	}
	if removed&made != 0 {
		return Verdict{Reason: ReasonPreset, Rule: rule}
	}
	return Verdict{}
}

// leads reports whether an entry or a mount lies below p.
func (p *Place) leads() bool {
	return p.self != nil && p.self.leads || slices.ContainsFunc(p.via, func(n *node) bool { return n.leads })
}

// checkCross judges the two ends' backings.
func (p *Place) checkCross(from Target, q *Place) Verdict {
	cross := Verdict{Reason: ReasonAcrossMounts, Class: ClassCross}
	// A file is re-owned on the way (product.md §7). A directory is not, even an
	// empty one: whether it stays empty meanwhile can't be known.
	if p.mount != q.mount && from.Type != TypeFile && !p.mount.bornAlike(q.mount) {
		return cross
	}
	// Between two sources a file is recharged (product.md §9), a directory is not:
	// what all that it holds costs is not known.
	if from.Type == TypeDir && p.mount != nil && q.mount != nil && p.mount.Source != q.mount.Source {
		return cross
	}
	// A tree from elsewhere could hold names that a site must not have; the
	// client can still copy it, name by name.
	if from.Type != TypeFile && p.spot.region == regionNone && q.spot.region != regionNone {
		return cross
	}
	return Verdict{}
}

// bornAlike reports whether new objects have the same owner, group rule and
// mode in m and o, so that one rename(2) leaves them right (product.md §7). Of
// two mounts that take the owner from their sources the disk has the last word:
// that is for package fs to compare.
func (m *Mount) bornAlike(o *Mount) bool {
	if m.GroupWrite != o.GroupWrite || m.ClientMode != o.ClientMode || (m.Owner == nil) != (o.Owner == nil) {
		return false
	}
	return m.Owner == nil || *m.Owner == *o.Owner
}

// gainsDownload reports whether the move could make existing content readable
// that was not (product.md §5). For a directory it is judged without looking at
// what is in it: where the rules of the two places can't be compared, it is
// taken to gain.
func (p *Place) gainsDownload(from Target, q *Place, name string) bool {
	if from.Type == TypeSymlink {
		return false // a link is not content: what it leads to is judged where it lies
	}
	if from.Type != TypeDir {
		had := p.downloads(Target{Name: from.Name, Type: from.Type})
		gets := q.downloads(Target{Name: name, Type: from.Type})
		if from.Type == TypeFile || gets && !had {
			return gets && !had
		}
	}
	s, d := p.Child(from.Name), q.Child(name)
	switch {
	case s == d, d.neverDownloads(), s.alwaysDownloads():
		return false
	case !s.settled || !d.settled || s.access != accessOpen:
		return true
	case d.verbs&VerbDownload != 0 && s.verbs&VerbDownload == 0:
		return true
	case s.pattern != nil && s.pattern != d.pattern && !s.pattern.open:
		return true
	}
	return s.spot.region.hidesNames(s.rules.main) && !d.spot.region.hidesNames(d.rules.main)
}

// downloads reports whether t itself may be read in p.
func (p *Place) downloads(t Target) bool {
	return p.verbs&VerbDownload != 0 && p.askPatterns(t, useObject).Allowed()
}

// neverDownloads reports whether nothing at or below p may be read.
func (p *Place) neverDownloads() bool {
	if p.access == accessShut {
		return true
	}
	if p.verbs&VerbDownload != 0 || (p.self != nil && p.self.granted) {
		return false
	}
	for _, n := range p.via {
		if n.granted {
			return false
		}
	}
	return true
}

// alwaysDownloads reports whether everything at and below p may be read,
// whatever it is called.
func (p *Place) alwaysDownloads() bool {
	if p.access != accessOpen || p.verbs&VerbDownload == 0 || p.spot.region.hidesNames(p.rules.main) || p.spot.node != nil && !p.rules.main {
		return false
	}
	if (p.pattern != nil && !p.pattern.open) || (p.self != nil && p.self.varied) {
		return false
	}
	for _, n := range p.via {
		if n.varied {
			return false
		}
	}
	return true
}
