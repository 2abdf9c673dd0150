// Package sshd renders the configuration of OpenSSH that confines the members
// of the group grantfs to their views. The files are static: they name groups
// and the mount point, never an account (product.md §10).
//
// There are two forms: a drop-in for the host's own sshd, and a complete
// configuration for an sshd of its own.
package sshd
