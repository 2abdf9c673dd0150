// Package systemd is what the daemon and the service manager say to each other:
// how it is (notify.go, sd_notify(3)), and what the manager keeps for its next
// start (fdstore.go). Without a service manager, or with one that wants to know
// nothing, all of it does nothing.
//
// What a unit needs for it: Type=notify, NotifyAccess=main, Restart=always,
// FileDescriptorStoreMax= (a descriptor for each session and each open file without
// a name, and some ten more), and no runtime directory that is emptied between two
// starts (RuntimeDirectoryPreserve=): the sockets that go on have their paths there.
//
// It has no locks.
package systemd
