package main

import (
	"path/filepath"

	"grantfs/integration/credential"
	"grantfs/integration/login"
	"grantfs/integration/userdb"
)

// socketPaths are where the sockets of a daemon are that no key of the
// configuration places.
type socketPaths struct{ users, logins, keys string }

// socketsBeside returns the paths of the daemon that has its control socket at
// control. Daemons of several configurations have theirs in directories of their
// own, /run/grantfs/NAME, and by that name they share no other socket either.
func socketsBeside(control string) socketPaths {
	p := socketPaths{userdb.SocketPath, login.SocketPath, credential.KeysSocketPath}
	if dir := filepath.Dir(control); filepath.Dir(dir) == filepath.Dir(login.SocketPath) {
		p.users += "." + filepath.Base(dir)
		p.logins = filepath.Join(dir, filepath.Base(p.logins))
		p.keys = filepath.Join(dir, filepath.Base(p.keys))
	}
	return p
}
