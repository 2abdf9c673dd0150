package policy

import "testing"

// TestXattr: attributes are there only where the folder has user_xattrs, and
// then as the content and the list of names are.
func TestXattr(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.VirtualFolders = folders("with /with", "with /ro list download", "with /names list", "without /without")
	with := folder("with", "/srv/with")
	with.UserXattrs = set(true)
	v := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{with, folder("without", "/srv/without")}}), "alice")
	decisions(t, v, `
		getxattr /with/a       => ok
		listxattr /with/a      => ok
		setxattr /with/a       => ok
		setxattr /with/a:dir   => ok
		getxattr /ro/a         => ok
		setxattr /ro/a         => mount_read_only EACCES
		listxattr /names/a     => ok
		getxattr /names/a      => mount_read_only EACCES
		getxattr /without/a    => never EOPNOTSUPP
		listxattr /without/a   => never EOPNOTSUPP
		setxattr /without/a    => never EOPNOTSUPP
		setxattr /a            => never EOPNOTSUPP
	`)
}
