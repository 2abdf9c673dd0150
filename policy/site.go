package policy

import (
	"cmp"
	"strings"
)

// siteNode is a directory on the way to a protected or frozen site, in one tree of
// absolute paths for the whole Set. A mount's places carry their position in
// it, so that a preset applies wherever a site is reached from (product.md §11).
type siteNode struct {
	id       uint32
	children map[string]*siteNode
	root     region // what begins here, regionNone for a mere directory on the way
	stores   []Store
	rule     *Rule // of the site that begins here, else of one that lies below
	frozen   *Rule // by which what begins here is frozen, nil if it is not
}

// child returns the node called name below n, which may be nil.
func (n *siteNode) child(name string) *siteNode {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// siteTree builds the tree of the sites that have a preset or are frozen.
func siteTree(sites []*Site, frozen map[string]*Rule) *siteNode {
	root := &siteNode{}
	count := uint32(0)
	reach := func(path string, rule *Rule) *siteNode {
		n := root
		for _, name := range split(path) {
			next := n.children[name]
			if next == nil {
				count++
				next = &siteNode{id: count, rule: rule}
				if n.children == nil {
					n.children = make(map[string]*siteNode)
				}
				n.children[name] = next
			}
			n = next
		}
		return n
	}
	for _, site := range sites {
		freeze := frozen[site.name()]
		if site.Preset != presetAegir && freeze == nil {
			continue
		}
		rule := freeze
		if site.Preset == presetAegir {
			rule = &Rule{Origin: "preset:" + presetAegir, At: site.At, Path: join(sitesPath, site.URI)}
		}
		n := reach(site.Source, rule)
		n.stores, n.rule, n.frozen = site.Stores, rule, freeze
		if site.Preset == presetAegir {
			n.root = regionTop
		}
		for _, store := range site.Stores {
			path, err := cleanPath(store.Path)
			if err != nil {
				continue // reported by checkSites
			}
			n := reach(path, rule)
			if freeze != nil {
				n.frozen = freeze
			}
			if site.Preset == presetAegir && n.root == regionNone {
				n.root, n.rule = regionTop.child(store.Name), rule
			}
		}
	}
	return root
}

// spot is a position relative to the protected sites: the region that a
// directory lies in, the node whose region that is, and the node at the
// directory itself, if it is still on the way to (further) sites.
type spot struct {
	region region
	site   *siteNode
	node   *siteNode
	frozen *siteNode // the frozen node that the directory lies at or below
}

// child returns the spot of the directory called name.
func (s spot) child(name string) spot {
	next := spot{region: s.region.child(name), site: s.site, node: s.node.child(name), frozen: s.frozen}
	if next.node != nil {
		if next.node.root != regionNone {
			next.region, next.site = next.node.root, next.node
		}
		if next.node.frozen != nil {
			next.frozen = next.node
		}
		if len(next.node.children) == 0 {
			next.node = nil
		}
	}
	return next
}

// locate returns the spot of an absolute path.
func (n *siteNode) locate(path string) spot {
	s := spot{node: n}
	for _, name := range split(path) {
		s = s.child(name)
	}
	return s
}

func compareSites(a, b *Site) int {
	return cmp.Or(strings.Compare(a.URI, b.URI), strings.Compare(a.Instance, b.Instance), a.At.compare(b.At))
}
