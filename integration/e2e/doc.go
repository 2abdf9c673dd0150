// Package e2e is tests only: grantfs beneath the real sshd and vsftpd, used by
// the real sftp, lftp and curl, scraped by the real Prometheus.
//
// Each script of testdata runs in a throwaway host of its own (package host)
// with a realistic Aegir host laid out in it (package fixture); the script says
// what to start. The test binary is also the tool behind `make demo` and `make
// run`: given "tour" or "stay" as its first argument it makes such a host and
// shows it.
//
// Invariants: no script is skipped: without root, /dev/fuse or a program it
// needs, it fails. Nothing sleeps; scripts wait for events. The machine's own
// users, daemons and files are never touched.
package e2e
