package policy

import (
	"slices"
	"strings"
)

// source is a backing directory as it is written, placeholders and all.
type source struct {
	name  string // "folder \"media\"", "home_dir of group:agency"
	path  string
	at    Pos
	home  bool
	found bool // discovered: that it overlaps others is by design
}

// checkOverlaps warns about sources that hold one another: what lies in both is
// counted once (product.md §7). Two homes that differ only for what a
// placeholder stands for are two.
func (s *Set) checkOverlaps(sites []*Site, rep *report) {
	list := s.sources(sites)
	slices.SortFunc(list, func(a, b source) int {
		if a.path != b.path {
			return comparePaths(a.path, b.path)
		}
		return strings.Compare(a.name, b.name)
	})
	var above []source // the sources that hold the current one
	for _, x := range list {
		for len(above) > 0 && !under(x.path, above[len(above)-1].path) {
			above = above[:len(above)-1]
		}
		if len(above) > 0 && !x.found {
			top := above[len(above)-1]
			apart := x.home && top.home && x.path == top.path && strings.Contains(x.path, "%")
			if !apart {
				rep.warnf(x.at, "%s: the source %s lies in that of %s (%s)", x.name, x.path, top.name, top.at)
			}
		}
		above = append(above, x)
	}
}

// sources returns the sources of folders, sites and homes that are well formed.
func (s *Set) sources(sites []*Site) []source {
	var list []source
	add := func(x source) {
		if _, err := expandPath(x.path, &sample); err != nil {
			return
		}
		if clean, err := cleanPath(x.path); err == nil {
			x.path = clean
			list = append(list, x)
		}
	}
	for _, f := range s.folders {
		add(source{name: `folder "` + f.Name + `"`, path: f.Source.Value, at: f.Source.At, found: f.Discovered})
	}
	for _, site := range sites {
		add(source{name: `site "` + site.URI + `"`, path: site.Source, at: site.At, found: site.Instance != ""})
	}
	home := func(origin string, h Setting[string]) {
		if h.Set && h.Value != "" {
			add(source{name: "home_dir of " + origin, path: h.Value, at: h.At, home: true})
		}
	}
	for _, g := range s.groups {
		home("group:"+g.Name, g.HomeDir)
	}
	for _, v := range s.list {
		home("account:"+v.account.Name, v.account.HomeDir)
	}
	return list
}

// comparePaths orders clean paths so that a directory is followed by all that
// lies in it.
func comparePaths(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch x, y := a[i], b[i]; {
		case x == y:
		case x == '/':
			return -1
		case y == '/':
			return 1
		case x < y:
			return -1
		default:
			return 1
		}
	}
	return len(a) - len(b)
}
