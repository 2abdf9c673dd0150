// Package vsftpd renders a complete configuration of vsftpd for explicit FTPS
// into views. The file is static: it names the mount point and a PAM service,
// never an account (product.md §10). Who may log in is the PAM service's
// decision: package login renders it. The unit starts a vsftpd of its own, beside
// the host's. Before anything is installed the host's vsftpd judges it (apply.go).
//
// What stock vsftpd 3.0.3 can't do:
//
//   - tls_username: it can ask for a certificate of the client's and check who has
//     signed it, but tells nobody whose it is. So no client is asked for one, and
//     nobody is let in by TLSCertificate.
//   - ftp_security: TLS is wanted of everybody, whatever an account says.
//   - start_directory: it begins in the directory that it confines to. A home of
//     the form VIEW/./DIRECTORY (passwd_chroot_enable) would do for it, but sshd
//     looks for the home within the view, and both see the same user.
package vsftpd
