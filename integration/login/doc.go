// Package login is what stands between PAM and grantfs: the PAM module
// pam_grantfs.so (pam_grantfs.c), the socket that it asks, the table of sessions,
// and the PAM services of the sshd and the vsftpd that serve views (product.md
// §10, architecture.md §3.9).
//
// Whether a password is right is for pam_unix to say, by the hash that package
// userdb serves; whether the account may log in at all is package policy's
// decision, and asked here in four phases:
//
//   - auth, before the password is looked at: what the client may not be told of
//     is refused there, so that the answer says nothing about the password. Where a
//     hook is to see the password, or its end is the code of a second factor, it is
//     asked for, and pam_unix gets what it is to compare;
//   - proved, after the password was found right: the code of a second factor, where
//     the policy wants one. Only those who know the password, or have shown a
//     key in its place, can try codes, and ten wrong ones in ten minutes are the
//     last;
//   - account: every rule, the number of sessions among them. What is let in keeps
//     a place in the table from then on. The one phase that tells the client why;
//   - session: the module's connection becomes the session, and is inherited by
//     all of its processes. It ends when the last of them has closed it, however
//     they end. Only here sshd tells which methods were used; each is judged again.
//
// What an answer has found out the module says again with the next question: a
// login may begin with one process of grantfs and end with the next.
//
// Hooks (hook.go) are programs or addresses that the admin has configured: they are
// asked about one login, and may refuse it; external_auth_hook also accepts its
// password. They get the question on standard input or as the body of a POST, never
// in arguments or the environment, and no answer means no.
//
// Invariants:
//
//   - Only root is listened to (mode 0600, SO_PEERCRED).
//   - No answer in 5 s means no for members of the group grantfs, and "not mine"
//     for everybody else: a dead daemon locks out nobody but its own accounts.
//   - Sessions and places together never exceed max_sessions. A place is free
//     again when its session ends, or when the process it was kept for ends
//     without one; that process is known by a pidfd, not by its number.
//   - Of a session whose monitor was killed nothing survives for long: what still
//     holds its socket is killed.
//   - Places and sessions outlive the process (record.go): they are written down
//     before anybody is told, and the connection of a session is held elsewhere. Who
//     comes next knows the monitor by its number and when it began. A login that is
//     under way when the process ends is refused at once, if its question was read,
//     and else answered by the next one.
//   - No program but a hook is run, by the daemon, and no name is looked up through
//     NSS, which would ask this daemon. pam_exec under vsftpd deadlocks.
//
// Locks: wrongCodes.mu, hooks.mu and idleness.mu are leaves. Table.mu, a leaf too, guards the table; it is held over a poll(2) that does
// not wait and over the policy's answer, never over /proc or a connection.
package login
