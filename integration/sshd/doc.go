// Package sshd renders the configuration of OpenSSH that confines the members
// of the group grantfs to their views, and has the host's sshd judge it before it
// is installed (apply.go). The files are static: they name groups and the mount
// point, never an account (product.md §10).
//
// There are two forms: a drop-in for the host's own sshd, and a complete
// configuration for an sshd of its own.
//
// Members of the group have a PAM service of their own (package login). sshd can
// be told so since OpenSSH 9.8, by PAMServiceName, for each Match block. Before,
// its service is the name that it is started by, for everybody: additions to the
// host's units start it through a link, and the service sends everybody else on
// to the host's own. That way nothing of the host is edited, and who is no member
// never depends on grantfs.
package sshd
