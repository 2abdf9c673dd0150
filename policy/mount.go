package policy

import (
	"iter"
	"slices"
	"strings"
	"sync/atomic"
)

// Mount is a backing directory placed in a view: immutable. Two views' mounts
// of one folder are two Mounts.
type Mount struct {
	Name        string // "folder:media", "site:o1/shop.example.org", "home"
	Path        string // where it lies in the view
	Source      string // absolute backing directory, placeholders expanded, with the subpath
	Owner       *IDs   // nil: the owner of the source's root
	GroupWrite  bool
	ClientMode  bool // modes = "client"
	ReadOnly    bool
	UserXattrs  bool
	Create      bool // a home that is made when its view is first entered
	CreateMode  uint32
	CreateOwner *IDs // of a home that is made; nil: the account itself
	Stores      []Store
	At          Pos

	allows Verbs // what read_only and the mount's own permissions leave
	rule   *Rule // for what they refuse

	mediation atomic.Uint32 // see View.Mediation; 0 until it is asked for
}

// storePaths yields the directories that may be stores of the mount's site.
func (m *Mount) storePaths() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, store := range m.Stores {
			if path, err := cleanPath(store.Path); err == nil && !yield(path) {
				return
			}
		}
	}
}

// sitesPath is where the sites of a view lie.
const sitesPath = "/sites"

// defaultHomeMode is the mode of a home that is made, where none is configured.
const defaultHomeMode = 0o700

// mounts returns the mounts of a view, sorted by path. At one path there is one
// mount: rep gets those that lost theirs.
func (s *Set) mounts(a *Account, e *Effective, rep *report) []*Mount {
	sites := s.sitesOf(a)
	list := make([]*Mount, 0, 1+len(sites)+len(e.VirtualFolders))
	byPath := make(map[string]*Mount, cap(list))
	add := func(m *Mount) {
		if first, ok := byPath[m.Path]; ok {
			rep.each(a.Name, m.At, SeverityError, "%s and %s (%s) are both mounted at %s", m.Name, first.Name, first.At, m.Path)
			return
		}
		byPath[m.Path] = m
		list = append(list, m)
	}
	for _, site := range sites {
		add(siteMount(site))
	}
	for i := range e.VirtualFolders {
		if v := &e.VirtualFolders[i]; v.Source != "" && !s.reserved(a, v.Path) {
			add(folderMount(v))
		}
	}
	// A folder at "/" hides the home, as in SFTPGo.
	if m := s.homeMount(a, e, rep); m != nil && byPath["/"] == nil {
		add(m)
	}
	slices.SortFunc(list, func(a, b *Mount) int { return strings.Compare(a.Path, b.Path) })
	return list
}

func siteMount(site *Site) *Mount {
	return &Mount{
		Name:       site.name(),
		Path:       join(sitesPath, site.URI),
		Source:     site.Source,
		GroupWrite: true,
		Stores:     site.Stores,
		At:         site.At,
		allows:     VerbAll,
	}
}

// name returns the site's name among mounts, buckets and what can be frozen.
func (s *Site) name() string {
	if s.Instance == "" {
		return "site:" + s.URI
	}
	return "site:" + s.Instance + "/" + s.URI
}

func folderMount(v *Virtual) *Mount {
	m := &Mount{
		Name:       "folder:" + v.Folder.Name,
		Path:       v.Path,
		Source:     v.Source,
		Owner:      v.Folder.OwnerIDs,
		GroupWrite: v.Folder.GroupWrite.Value,
		ClientMode: v.Folder.Modes.Value == "client",
		ReadOnly:   v.Entry.ReadOnly.Value,
		UserXattrs: v.Folder.UserXattrs.Value,
		At:         v.At,
		allows:     VerbAll,
		rule:       &v.Rule,
	}
	if v.Entry.HasPerms {
		m.allows = parseVerbs(v.Entry.Permissions)
	}
	if m.ReadOnly {
		m.allows &^= VerbsChange
	}
	return m
}

// homeMount returns the mount of the account's home, nil where it has none.
func (s *Set) homeMount(a *Account, e *Effective, rep *report) *Mount {
	home := e.Scalars.HomeDir
	if !home.Set || home.Value == "" {
		return nil
	}
	source, err := expandPath(home.Value, a)
	switch {
	case err != nil && strings.Contains(home.Value, "%"):
		rep.each(a.Name, home.At, SeverityError, "home_dir: %v", err)
		return nil
	case err != nil:
		return nil
	case s.point != "" && overlap(source, s.point):
		rep.each(a.Name, home.At, SeverityError, "home_dir: %s overlaps the mount point %s", source, s.point)
		return nil
	}
	m := &Mount{
		Name:        "home",
		Path:        "/",
		Source:      source,
		Create:      !e.Scalars.FilesystemChecksDisabled.Value,
		CreateMode:  defaultHomeMode,
		CreateOwner: e.Scalars.HomeOwnerIDs,
		At:          home.At,
		allows:      VerbAll,
	}
	if e.Scalars.HomeMode.Set {
		m.CreateMode = e.Scalars.HomeMode.Value
	}
	return m
}

// virtual resolves one virtual folder of a.
func (s *Set) virtual(a *Account, m *Mounting, r Rule, rep *report) (Virtual, bool) {
	folder := s.folders[m.Folder.Value]
	if folder == nil {
		return Virtual{}, false
	}
	if s.reserved(a, r.Path) {
		rep.each(a.Name, m.At, SeverityError, "virtual_folders: %s is a reserved name", r.Path)
		return Virtual{}, false
	}
	v := Virtual{Rule: r, Folder: folder, Entry: m}
	source, err := expandPath(folder.Source.Value, a)
	if err != nil {
		if strings.Contains(folder.Source.Value, "%") {
			rep.each(a.Name, folder.Source.At, SeverityError, "folder %q: %v", folder.Name, err)
		}
		return v, true
	}
	if m.Subpath.Value != "" {
		sub, err := expand(m.Subpath.Value, a)
		if err == nil {
			sub, err = cleanRelative(sub)
		}
		if err != nil {
			if strings.Contains(m.Subpath.Value, "%") {
				rep.each(a.Name, m.Subpath.At, SeverityError, "subpath: %v", err)
			}
			return v, true
		}
		source = join(source, sub)
	}
	if s.point != "" && overlap(source, s.point) {
		rep.each(a.Name, folder.Source.At, SeverityError, "folder %q: %s overlaps the mount point %s", folder.Name, source, s.point)
		return v, true
	}
	v.Source = source
	return v, true
}

// reserved reports whether path is, or lies below, a name of the view's top
// level that no configuration may use (product.md §5, §12).
func (s *Set) reserved(a *Account, path string) bool {
	first, _, _ := strings.Cut(path[1:], "/")
	return reservedName(first) || (a.Main && first == usersName)
}

// usersName is the main account's directory of credentials (product.md §10).
const usersName = "users"

// reservedName reports whether name is kept free at the top of every view, for
// what comes later.
func reservedName(name string) bool {
	return name == "shared" || name == ".shares" || name == keysName
}

// sitesOf returns the sites that a view shows, sorted by name.
func (s *Set) sitesOf(a *Account) []*Site {
	if a.Main && a.Instance != "" {
		own, all := s.owned[a.Name], s.instance[a.Instance]
		return mergeSites(own, all)
	}
	if a.Client != "" {
		return mergeSites(s.owned[a.Name], s.unowned[a.Instance])
	}
	return s.owned[a.Name]
}

// mergeSites returns the union of two sorted lists.
func mergeSites(a, b []*Site) []*Site {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	list := make([]*Site, 0, len(a)+len(b))
	list = append(append(list, a...), b...)
	slices.SortStableFunc(list, compareSites)
	return slices.Compact(list)
}

func (s *Set) hasSites(a *Account) bool { return len(s.sitesOf(a)) > 0 }
