package policy

import (
	"strings"
)

// checkFolder judges a folder by itself.
func (s *Set) checkFolder(f *Folder, rep *report) {
	if !plainName(f.Name) {
		rep.errorf(f.At, "%q can't be a folder's name", short(f.Name))
	}
	if !f.Source.Set || f.Source.Value == "" {
		if f.Refused {
			return // it may well be the source that was refused
		}
		rep.errorf(f.At, "folder %q has no source", f.Name)
		return
	}
	source, err := s.checkPath(f.Source, "source", rep)
	if err == nil && !strings.Contains(f.Source.Value, "%") && s.point != "" && overlap(source, s.point) {
		rep.errorf(f.Source.At, "folder %q: the source %s overlaps the mount point %s", f.Name, source, s.point)
	}
	if m := f.Modes; m.Set && m.Value != "policy" && m.Value != "client" {
		rep.errorf(m.At, `modes is "policy" or "client", not %q`, m.Value)
	}
}

// checkSite judges a site by itself, and reports whether it can be shown.
func (s *Set) checkSite(site *Site, rep *report) bool {
	before := len(rep.list)
	if !plainName(site.URI) || isGlob(site.URI) {
		rep.errorf(site.At, "%q can't be a site's name", short(site.URI))
	}
	clean, err := cleanPath(site.Source)
	switch {
	case err != nil:
		rep.errorf(site.At, "site %q: the source %v", site.URI, err)
	case s.point != "" && overlap(clean, s.point):
		rep.errorf(site.At, "site %q: the source %s overlaps the mount point %s", site.URI, clean, s.point)
	}
	site.Source = clean
	if site.Preset != presetAegir && site.Preset != presetNone && site.Preset != "" {
		rep.errorf(site.At, "site %q: preset is %q or %q, not %q", site.URI, presetAegir, presetNone, site.Preset)
	}
	for _, store := range site.Stores {
		if _, err := cleanPath(store.Path); err != nil || !plainName(store.Name) {
			rep.errorf(site.At, "site %q: store %q: %q is no absolute path", site.URI, store.Name, short(store.Path))
		}
	}
	if site.OwnerAccount != "" && site.Instance == "" && s.views[site.OwnerAccount] == nil {
		rep.errorf(site.At, "site %q: there is no account %q", site.URI, site.OwnerAccount)
	}
	return len(rep.list) == before
}

// checkSettings judges what one account or group says, apart from what becomes
// of it in a merge.
func (s *Set) checkSettings(set *Settings, rep *report) {
	if set.HomeDir.Set && set.HomeDir.Value != "" {
		s.checkPath(set.HomeDir, "home_dir", rep)
	}
	if set.StartDirectory.Set && set.StartDirectory.Value != "" {
		s.checkPath(set.StartDirectory, "start_directory", rep)
	}
	if p := set.Filesystem; p.Set && p.Value != localFilesystem {
		rep.errorf(p.At, "filesystem is %q; others do not exist yet (%q)", localFilesystem, p.Value)
	}
	if m := set.HomeMode; m.Set && m.Value > 0o777 {
		rep.errorf(m.At, "home_mode has bits beyond 0777")
	}
	for i := range set.Permissions {
		p := &set.Permissions[i]
		s.checkKey(p.Path, "permissions", rep)
		checkVerbs(p.Verbs, rep)
	}
	for i := range set.FilePatterns {
		p := &set.FilePatterns[i]
		s.checkKey(p.Path, "file_patterns", rep)
		if d := p.DenyPolicy; d.Set && d.Value != "deny" && d.Value != "hide" {
			rep.errorf(d.At, `deny_policy is "deny" or "hide", not %q`, d.Value)
		}
		if len(p.Allowed)+len(p.Denied) == 0 {
			rep.errorf(p.At, "file_patterns: %s neither allows nor denies anything", p.Path.Value)
		}
		checkPatterns(p.Allowed, rep)
		checkPatterns(p.Denied, rep)
		checkDenyBeatsAllow(p, rep)
	}
	for i := range set.VirtualFolders {
		s.checkMounting(&set.VirtualFolders[i], rep)
	}
	for _, t := range set.AccessTime {
		if t.location() == nil {
			rep.errorf(t.At, "access_time: %q is no time zone", short(t.Zone))
		}
	}
}

// checkMounting judges one entry of virtual_folders.
func (s *Set) checkMounting(m *Mounting, rep *report) {
	if !m.Folder.Set {
		rep.errorf(m.At, "virtual_folders: an entry needs a folder")
	} else if s.folders[m.Folder.Value] == nil {
		rep.errorf(m.Folder.At, "virtual_folders: there is no folder %q", m.Folder.Value)
	}
	if !m.Path.Set {
		rep.errorf(m.At, "virtual_folders: an entry needs a path")
	} else {
		s.checkPath(m.Path, "virtual_folders", rep)
	}
	if m.Subpath.Value != "" {
		sub, err := expand(m.Subpath.Value, &sample)
		if err == nil {
			_, err = cleanRelative(sub)
		}
		if err != nil {
			rep.errorf(m.Subpath.At, "subpath: %v", err)
		}
	}
	size, files := m.QuotaSize.Value, m.QuotaFiles.Value
	if size < -1 || files < -1 || (m.QuotaSize.Set && m.QuotaFiles.Set && (size == -1) != (files == -1)) {
		rep.errorf(m.At, "virtual_folders: quota_size and quota_files are both -1 (charged to the account) or neither")
	}
	checkVerbs(m.Permissions, rep)
}

// checkPath judges the form of an absolute path that may hold placeholders. It
// returns the path as it would be for some account.
func (s *Set) checkPath(p Setting[string], what string, rep *report) (string, error) {
	clean, err := expandPath(p.Value, &sample)
	if err != nil {
		rep.errorf(p.At, "%s: %v", what, err)
	}
	return clean, err
}

// checkKey judges a path whose components may be globs.
func (s *Set) checkKey(p Setting[string], what string, rep *report) {
	clean, err := s.checkPath(p, what, rep)
	if err != nil {
		return
	}
	for _, name := range split(clean) {
		if _, err := compileGlob(name, false); err != nil {
			rep.errorf(p.At, "%s: %q is no shell glob", what, short(name))
		}
	}
}

func checkVerbs(list []Setting[string], rep *report) {
	for _, name := range list {
		if _, ok := ParseVerb(name.Value); !ok {
			rep.errorf(name.At, "%q is no permission; there are %s", short(name.Value), strings.Join(VerbNames(), ", "))
		}
	}
}

func checkPatterns(list []Setting[string], rep *report) {
	for _, p := range list {
		switch _, err := compileGlob(p.Value, true); {
		case err != nil || p.Value == "":
			rep.errorf(p.At, "%q is no shell glob", short(p.Value))
		case strings.Contains(p.Value, "/"):
			rep.errorf(p.At, "%q can't match: patterns are compared with names, not with paths", short(p.Value))
		}
	}
}

// checkDenyBeatsAllow warns about patterns that were meant as exceptions: deny
// beats allow (product.md §4, decision 5), within one entry too.
func checkDenyBeatsAllow(p *FilePatterns, rep *report) {
	for _, a := range p.Allowed {
		for _, d := range p.Denied {
			if d.Value == "*" || foldName(d.Value) == foldName(a.Value) || strings.EqualFold(d.Value, a.Value) {
				rep.warnf(a.At, "file_patterns: allowed %q has no effect: denied %q (%s) beats it", short(a.Value), short(d.Value), d.At)
				break
			}
		}
	}
}
