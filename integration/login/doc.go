// Package login is what stands between PAM and grantfs. For now it renders the
// PAM services of the sshd and the vsftpd that serve views; admission by the
// policy (product.md §10) comes with a PAM module of our own.
//
// The stacks run no program: pam_exec under vsftpd deadlocks, and a program at
// each login is slow.
package login
