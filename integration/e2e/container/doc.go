// Package container is tests only: the Debian package in a machine with systemd,
// from installation to purge.
//
// The machine is systemd-nspawn's, booted from the files of the one that the test
// runs on, in namespaces of mounts and processes that take everything with them
// when the test ends, however it does. Nothing is downloaded. It has a network of its
// own, of loopback alone, and Debian's sshd and vsftpd on their ports.
//
// Invariants: nothing sleeps and nothing is skipped. The steps of the one test
// follow each other as in the life of an installation; each looks at the machine,
// not only at what commands return.
package container
