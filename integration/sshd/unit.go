package sshd

import (
	"fmt"
)

// UnitPaths are the additions to Debian's units of sshd, with and without socket
// activation, by which an sshd that lacks PAMServiceName comes to its service.
func UnitPaths() []string {
	return []string{
		"/etc/systemd/system/ssh.service.d/50-grantfs.conf",
		"/etc/systemd/system/ssh@.service.d/50-grantfs.conf",
	}
}

// Units returns the additions by path. They start sshd through a link of the
// name of the PAM service service, for before OpenSSH 9.8 the name that sshd is
// started by is its PAM service. The link is as volatile as sshd's own directory,
// which is there as long as the unit is.
func Units(service string) map[string][]byte {
	const text = `# Made by "grantfs apply sshd". This sshd asks the PAM service that it is called
# like: %[1]s, which sends who is not in the group grantfs on to the
# host's own service, sshd.
[Service]
ExecStartPre=/bin/ln -sfn /usr/sbin/sshd /run/sshd/%[1]s
ExecStart=
ExecStart=%[2]s
`
	link := "/run/sshd/" + service
	paths := UnitPaths()
	return map[string][]byte{
		paths[0]: fmt.Appendf(nil, text, service, link+" -D $SSHD_OPTS"),
		paths[1]: fmt.Appendf(nil, text, service, "-"+link+" -i $SSHD_OPTS"),
	}
}
