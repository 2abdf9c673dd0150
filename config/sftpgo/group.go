package sftpgo

import (
	"reflect"
	"time"
)

// allGroups writes the groups.
func (im *importer) allGroups(list []group, d *dump) {
	for i := range list {
		g := &list[i]
		where := "group " + g.Name
		im.unknown(where, d.Groups[i], reflect.TypeFor[group](), "user_settings", "filters")
		if im.groups[g.Name] != nil {
			im.find(where, "name", EffectLost, "it is in the dump twice; the first counts")
			continue
		}
		im.groups[g.Name] = g
		im.groupBlocks[g.Name] = im.newBlock("groups", g.Name, where, g.Description)
	}
}

// group writes the settings of a group. Its members are known by then.
func (im *importer) group(b *block, g *group) {
	s := &g.UserSettings
	if v := span(s.ExpiresIn, 24*time.Hour); v != "" {
		b.addGuard("expires_in", "expires_in = "+v)
	}
	if !s.Filesystem.local() {
		im.lost(b, "filesystem", "the files of accounts that have it as their primary group lie in %s; they get no home", s.Filesystem)
	}
	if s.Filters.UserType != "" || len(s.Filters.TLSCerts) > 0 {
		im.lost(b, "filters", "user_type and tls_certs of groups mean nothing in SFTPGo either")
	}
	im.settings(b, &s.settings, true)
	im.mounts(b, g.VirtualFolders, true)
	im.permissions(b, s.Permissions, true)
}
