// Package doctor judges a host: what grantfs needs of the kernel, sshd, vsftpd, PAM,
// names, systemd, the mount, disks and limits, and what mends what is not as it
// should be (product.md §13, `grantfs doctor`).
//
// Invariants:
//
//   - It is pure. What there is to know is in Facts, which the caller gathers; the
//     same facts have the same findings.
//   - Each check of Checks has one line at most, and none where it does not apply.
//   - What is not OK has a Mend that a root shell can be given as it is: a command,
//     or a comment where no command does it.
package doctor
