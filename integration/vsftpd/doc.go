// Package vsftpd renders a complete configuration of vsftpd for explicit FTPS
// into views. The file is static: it names the mount point and a PAM service,
// never an account (product.md §10). Who may log in is the PAM service's
// decision: package login renders it.
package vsftpd
