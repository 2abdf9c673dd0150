package sftpgo

import (
	"maps"
	"reflect"
	"slices"
)

// The types of a user's group.
const (
	primaryGroup    = 1
	secondaryGroup  = 2
	membershipGroup = 3
)

// imported is a user and the table that it becomes.
type imported struct {
	user    *user
	block   *block
	primary *group // nil for none
}

// allUsers makes a table of each user and finds out whose group is whose; what
// is in the tables is written afterwards.
func (im *importer) allUsers(list []user, d *dump) []imported {
	names := map[string]bool{}
	all := make([]imported, 0, len(list))
	for i := range list {
		u := &list[i]
		where := "user " + u.Username
		im.unknown(where, d.Users[i], reflect.TypeFor[user](), "filters")
		if names[u.Username] {
			im.find(where, "username", EffectLost, "it is in the dump twice; the first counts")
			continue
		}
		names[u.Username] = true
		b := im.newBlock("accounts", u.Username, where, u.Description)
		b.account = true
		all = append(all, imported{user: u, block: b, primary: im.join(b, u.Groups)})
	}
	return all
}

// join writes the groups of an account, makes it a member of those it inherits
// from, and returns the primary one.
func (im *importer) join(b *block, list []groupMembership) (primary *group) {
	var names [membershipGroup + 1][]string
	var seen []string
	for _, g := range list {
		switch {
		case im.groups[g.Name] == nil:
			im.lost(b, "groups", "there is no group %q; SFTPGo skips it too", g.Name)
			continue
		case slices.Contains(seen, g.Name) || g.Type < primaryGroup || g.Type > membershipGroup,
			g.Type == primaryGroup && primary != nil:
			im.unsafe(b, "groups", "group %q, type %d: SFTPGo would refuse this", g.Name, g.Type)
			continue
		}
		seen = append(seen, g.Name)
		names[g.Type] = append(names[g.Type], g.Name)
		if g.Type == primaryGroup {
			primary = im.groups[g.Name]
		}
		if g.Type != membershipGroup {
			of := im.groupBlocks[g.Name]
			of.members = append(of.members, b)
		}
	}
	if primary != nil {
		b.addGuard("groups", "primary_group = "+quoteString(primary.Name))
	}
	b.addStrings("groups", "secondary_groups", names[secondaryGroup], true)
	b.addStrings("groups", "membership_groups", names[membershipGroup], false)
	return primary
}

// account writes what a user has itself.
func (im *importer) account(a imported) {
	u, b := a.user, a.block
	b.off = u.Status != 1
	im.dates(a)
	im.credentials(b, u)
	im.person(b, u)
	own := u.settings
	if a.primary != nil && a.primary.noHome() {
		own.HomeDir = ""
		im.lost(b, "home_dir", "its primary group's replaces it, and that is not carried")
	}
	if !u.Filesystem.local() && a.primary != nil && a.primary.UserSettings.HomeDir != "" {
		im.unsafe(b, "filesystem", "its primary group's home_dir would be its home")
	}
	im.settings(b, &own, false)
	im.transfersOf(b, &own, a.primary)
	im.ids(b, u)
	im.mounts(b, u.VirtualFolders, false)
	perms := im.ownPermissions(a)
	im.permissions(b, perms, false)
	if _, root := perms["/"]; len(perms) > 0 && !root && (a.primary == nil || a.primary.UserSettings.Permissions["/"] == nil) {
		// Nothing at "/" is nothing in SFTPGo, and everything here.
		b.addGuard("permissions./", `permissions."/" = []`)
	}
	im.conflicts(a)
}

// dates writes when the account was created and when it ends.
func (im *importer) dates(a imported) {
	u, b := a.user, a.block
	if u.ExpirationDate > 0 {
		b.addGuard("expiration_date", "expires_at = "+moment(u.ExpirationDate))
	}
	switch inherits := a.primary != nil && a.primary.UserSettings.ExpiresIn > 0 && u.ExpirationDate <= 0; {
	case u.CreatedAt > 0:
		b.add("created_at", "created_at = "+moment(u.CreatedAt))
	case inherits:
		// As in SFTPGo: an account without a date has expired long ago.
		b.add("created_at", "created_at = "+moment(0))
		im.changed(b, "created_at", "it is missing, and the primary group has expires_in: the account has expired, as in SFTPGo")
	}
}

// credentials writes the password, if the host can verify it.
func (im *importer) credentials(b *block, u *user) {
	switch kind := passwordKind(u.Password); {
	case u.Password == "":
	case u.Filters.RequirePasswordChange:
		im.lost(b, "password", "SFTPGo refuses it until it is changed: the account needs a new one")
	case kind != "":
		im.lost(b, "password", "it is %s: the account needs a new one", kind)
	default:
		b.add("password", "password_hash = "+quoteString(u.Password))
		if u.Password[1] == '2' {
			im.find(theDump, "password", EffectChanged, "bcrypt: the crypt(3) of Debian (libxcrypt) verifies such hashes, that of other systems may not")
		}
	}
	if n := len(u.PublicKeys); n > 0 {
		im.lost(b, "public_keys", "%d not carried: there is no place for keys yet", n)
	}
	if n := len(u.Filters.TLSCerts); n > 0 {
		im.lost(b, "filters.tls_certs", "%d not carried: there is no place for certificates yet", n)
	}
	if u.Filters.TOTP.Enabled {
		im.unsafe(b, "filters.totp_config", "the secret of the second factor is not carried: the password alone would do")
	}
	if len(u.Filters.RecoveryCodes) > 0 {
		im.lost(b, "filters.recovery_codes", "codes belong to the second factor, which has to be set up anew")
	}
	if u.Filters.RequirePasswordChange {
		im.lost(b, "filters.require_password_change", "nobody is asked for a new password at login")
	}
}

// person reports what is said about a user as a person.
func (im *importer) person(b *block, u *user) {
	for _, p := range []struct{ key, value string }{
		{"email", u.Email},
		{"additional_info", u.AdditionalInfo},
		{"role", u.Role},
		{"filters.user_type", u.Filters.UserType},
	} {
		if p.value != "" {
			im.lost(b, p.key, "there is nothing like it")
		}
	}
}

// ids writes the owner that SFTPGo gives to files.
func (im *importer) ids(b *block, u *user) {
	const most = 1<<32 - 2
	switch {
	case u.UID <= 0 && u.GID <= 0:
	case u.UID > 0 && u.GID > 0 && u.UID <= most && u.GID <= most:
		b.add("uid", "home_owner = "+quoteString(limit(u.UID, 1)+":"+limit(u.GID, 1)))
		im.changed(b, "uid", "SFTPGo gives every new file to %d:%d; here a home is created so, and new files belong to the owner of their home or folder", u.UID, u.GID)
	default:
		im.lost(b, "uid", "uid %d and gid %d: new files belong to the owner of their home or folder", u.UID, u.GID)
	}
}

// ownPermissions returns the permissions of an account that mean something in
// SFTPGo: the primary group's for "/" overwrite the account's.
func (im *importer) ownPermissions(a imported) map[string][]string {
	if a.primary == nil {
		return a.user.Permissions
	}
	if _, overwritten := a.primary.UserSettings.Permissions["/"]; !overwritten {
		return a.user.Permissions
	}
	own := map[string][]string{}
	for key, list := range a.user.Permissions {
		if key == "/" {
			im.changed(a.block, "permissions./", "left out: in SFTPGo those of the primary group %q overwrite them, here they would win", a.primary.Name)
			continue
		}
		own[key] = list
	}
	return own
}

// conflicts reports paths that two secondary groups of an account set: which of
// them wins is chance in SFTPGo and the order written here.
func (im *importer) conflicts(a imported) {
	type entry struct{ kind, path string }
	taken := map[entry]string{}
	for _, m := range a.user.Groups {
		g := im.groups[m.Name]
		if m.Type != secondaryGroup || g == nil {
			continue
		}
		claim := func(kind, path string) {
			e := entry{kind, path}
			if first, ok := taken[e]; ok && first != g.Name && path != "/" {
				im.changed(a.block, kind, "%s is set by the secondary groups %q and %q: SFTPGo takes either, here the first wins", path, first, g.Name)
			} else if !ok {
				taken[e] = g.Name
			}
		}
		for _, path := range slices.Sorted(maps.Keys(g.UserSettings.Permissions)) {
			claim("permissions", path)
		}
		for _, f := range g.UserSettings.Filters.FilePatterns {
			claim("filters.file_patterns", f.Path)
		}
		for _, v := range g.VirtualFolders {
			claim("virtual_folders", v.VirtualPath)
		}
	}
}
