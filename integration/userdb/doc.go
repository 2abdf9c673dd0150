// Package userdb makes accounts Unix users without editing a file: it serves
// systemd's user database protocol (https://systemd.io/USER_GROUP_API) as the service
// io.grantfs, and nss-systemd asks it for every name and id that the host's
// files do not know (architecture.md §3.8).
//
// Invariants:
//
//   - Every answer comes from an immutable Directory behind an atomic pointer.
//     Answering never waits for policy, disk or network, and never looks up a
//     name: a lookup would come back to this very socket.
//   - A password hash leaves the process only towards a peer whose uid is 0
//     (SO_PEERCRED), and never for a locked account.
//   - Anybody on the host may connect (mode 0666), so nobody may hold much:
//     connections are counted per uid, requests are short, reads and writes
//     have deadlines.
//
// Lists are bounded (MaxListed). A list of all users or groups that is longer
// is refused with EnumerationNotSupported; the members of a group that has more are not
// listed at all. Names and ids are found and memberships of one user are
// answered however many there are, and login needs no more than these.
//
// Locks: Server.mu, a leaf, guards the count of connections.
package userdb
