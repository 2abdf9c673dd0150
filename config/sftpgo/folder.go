package sftpgo

import (
	"reflect"
	"strings"
)

// allFolders writes the folders of the dump and those that only a user or a
// group has.
func (im *importer) allFolders(list []folder, groups []group, users []user, d *dump) {
	for i, f := range list {
		im.unknown("folder "+f.Name, d.Folders[i], reflect.TypeFor[folder]())
		im.folder(f)
	}
	for _, g := range groups {
		for _, v := range g.VirtualFolders {
			im.folder(v.folder)
		}
	}
	for _, u := range users {
		for _, v := range u.VirtualFolders {
			im.folder(v.folder)
		}
	}
}

func (im *importer) folder(f folder) {
	if _, ok := im.folders[f.Name]; ok {
		return
	}
	where := "folder " + f.Name
	im.folders[f.Name] = nil
	source, absolute := clean(f.MappedPath)
	switch {
	case !f.Filesystem.local():
		im.find(where, "filesystem", EffectLost, "the folder: its files lie in %s, not in a local directory", f.Filesystem)
		return
	case !absolute:
		im.find(where, "mapped_path", EffectLost, "the folder: %q is not absolute", f.MappedPath)
		return
	case hasRole(source):
		im.find(where, "mapped_path", EffectLost, "the folder: %q has %%role%%, and there are no roles", f.MappedPath)
		return
	}
	b := im.newBlock("folders", f.Name, where, f.Description)
	b.add("mapped_path", "source = "+quoteString(source)).vital = true
	im.folders[f.Name] = b
}

// mounts writes the virtual folders of a user or a group.
func (im *importer) mounts(b *block, list []virtualFolder, ofGroup bool) {
	first := map[string]virtualFolder{}
	var lines []*line
	for _, v := range list {
		key := "virtual_folders." + v.VirtualPath
		source := im.folders[v.Name]
		at, absolute := clean(v.VirtualPath)
		switch {
		case source == nil:
			im.unsafe(b, key, "folder %q is not carried, and what it covered would show", v.Name)
			continue
		case !absolute:
			im.unsafe(b, key, "its path is not absolute")
			continue
		case hasRole(at) || hasRole(v.Subpath):
			im.unsafe(b, key, "it has %%role%%, and there are no roles")
			continue
		case !ofGroup && (hasPlaceholder(at) || hasPlaceholder(v.MappedPath)):
			im.changed(b, key, "placeholders in what a user has itself are literal text in SFTPGo; here they are replaced")
		}
		if other, twice := first[v.Name]; !twice {
			first[v.Name] = v
		} else if other.QuotaSize != v.QuotaSize || other.QuotaFiles != v.QuotaFiles {
			im.changed(b, key, "SFTPGo gives each mount of one folder the limits of the first; here each has its own")
		}
		lines = append(lines, &line{key: key, guard: true, text: mount(v, at)})
	}
	b.addTables("virtual_folders", lines)
}

func mount(v virtualFolder, at string) string {
	parts := []string{"folder = " + quoteString(v.Name), "path = " + quoteString(at)}
	if v.Subpath != "" {
		parts = append(parts, "subpath = "+quoteString(v.Subpath))
	}
	switch {
	case v.QuotaSize < 0 || v.QuotaFiles < 0:
		parts = append(parts, "quota_size = -1", "quota_files = -1")
	default:
		if v.QuotaSize > 0 {
			parts = append(parts, "quota_size = "+bytes(v.QuotaSize))
		}
		if v.QuotaFiles > 0 {
			parts = append(parts, "quota_files = "+limit(v.QuotaFiles, 1))
		}
		if v.QuotaSize == 0 && v.QuotaFiles == 0 {
			parts = append(parts, "quota_size = 0", "quota_files = 0")
		}
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
