// Package systemd is what the daemon and the service manager say to each other:
// how it is (notify.go, sd_notify(3)), and what the manager keeps for its next
// start (fdstore.go). Without a service manager, or with one that wants to know
// nothing, all of it does nothing.
//
// It has no locks.
package systemd
