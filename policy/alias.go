package policy

import "strings"

// overlapping returns, for each of the mounts whose source another's holds or
// lies in, those others.
func overlapping(mounts []*Mount) map[*Mount][]*Mount {
	var all map[*Mount][]*Mount
	for i, m := range mounts {
		for _, o := range mounts[i+1:] {
			if !overlap(m.Source, o.Source) {
				continue
			}
			if all == nil {
				all = make(map[*Mount][]*Mount)
			}
			all[m], all[o] = append(all[m], o), append(all[o], m)
		}
	}
	return all
}

// at returns the rules of the directory at the absolute path vpath.
func (r *rules) at(vpath string) *Place {
	p := r.root
	for name := range strings.SplitSeq(vpath, "/") {
		if name != "" {
			p = p.Child(name)
		}
	}
	return p
}

// gainsElsewhere reports whether a move from p to q could make content readable
// at another path of the view, by a mount that shows the same backing
// (product.md §5: every mount counts). Without looking at the disk this is
// known to be harmless only if nothing can be read there, if all of it could be
// read before, or if everything at the source can be.
func (p *Place) gainsElsewhere(q *Place) bool {
	r := p.rules
	for _, m := range []*Mount{p.mount, q.mount} {
		for _, alias := range r.aliases[m] {
			there := r.at(alias.Path)
			switch {
			case there.neverDownloads(), r.at(p.mount.Path).alwaysDownloads():
			case under(p.mount.Source, alias.Source) && there.alwaysDownloads():
			default:
				return true
			}
		}
	}
	return false
}
