package vsftpd

// UnitPath is where the unit of the vsftpd that serves views belongs. The host's
// own vsftpd, its unit and its file are left alone.
const UnitPath = "/etc/systemd/system/grantfs-vsftpd.service"

// Unit returns that unit.
func Unit() []byte {
	return []byte(`# Made by "grantfs apply vsftpd".
[Unit]
Description=FTPS into the views of grantfs
Documentation=man:vsftpd(8) man:vsftpd.conf(5)
After=network.target grantfs.service
Wants=grantfs.service

[Service]
ExecStartPre=/bin/mkdir -p /run/vsftpd/empty
ExecStart=/usr/sbin/vsftpd ` + Path + `
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure

[Install]
WantedBy=multi-user.target
`)
}
