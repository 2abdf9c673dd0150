package doctor

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// good returns the facts of a host on which nothing is wrong.
func good() *Facts {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return &Facts{
		Now:      now,
		Kernel:   Kernel{Release: "6.18.2", Passthrough: true, Resend: true, IncEpoch: true},
		Settings: Settings{Files: []File{{"/etc/grantfs/grantfs.toml", 0, 0o640}}, StateDir: File{"/var/lib/grantfs", 0, 0o700}, State: []File{{"/var/lib/grantfs/seal.key", 0, 0o600}}, Free: 5 << 30},
		Daemon:   Daemon{Version: "1", OwnVersion: "1", Restarts: []Restart{{"orderly", 3}, {"signal", 0}}},
		Mount:    Mount{Point: "/srv/views", Here: true, Init: 1, Parents: []File{{"/", 0, 0o755}, {"/srv", 0, 0o755}}},
		Sources:  Sources{FileSystems: []FileSystem{{Point: "/", Type: "ext4", Handles: true, Free: 2, MinFree: 1}}},
		Names: Names{Service: "systemd", Library: true, Account: "o1.foo", Duration: time.Millisecond, Switch: map[string][]string{
			"passwd": {"files", "systemd"}, "group": {"files", "[SUCCESS=merge]", "systemd"}, "shadow": {"files", "systemd"},
		}},
		SSHD: SSHD{
			Version: "OpenSSH_9.2", KeysPath: "/usr/sbin/grantfs", Account: "o1.foo", Listens: true, AsService: true, Service: "grantfs-sshd",
			Effective: map[string]string{
				"chrootdirectory": "/srv/views/%u", "forcecommand": "internal-sftp -u 0027", "authorizedkeyscommand": "/usr/sbin/grantfs authorized-keys %u %t %k",
				"subsystem": "sftp /usr/lib/openssh/sftp-server", "maxstartups": "200:30:400", "usedns": "no",
			},
		},
		VSFTPD: VSFTPD{
			Path: "/etc/vsftpd-grantfs.conf", Options: map[string]string{"seccomp_sandbox": "NO"}, Certificate: "/etc/grantfs/ftps.pem", Key: "/etc/grantfs/ftps.key",
			Expires: now.Add(100 * 24 * time.Hour),
		},
		Systemd: Systemd{Booted: true, Unit: map[string]string{
			"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "FileDescriptorStoreMax": "8192", "NFileDescriptorStore": "9",
		}},
		Limits: Limits{Watches: 100, Instances: 128, Watched: 3, PID: 7, Files: 1 << 20},
	}
}

// faults are what can be wrong, by the line that says so.
var faults = []struct {
	check string
	level Level
	make  func(*Facts)
	found string // a part of what is found
	mend  string // a part of what mends it
}{
	{"kernel-version", Fail, func(f *Facts) { f.Kernel.Release = "5.10.0-30-amd64" }, "5.10.0-30-amd64 is too old", "apt install"},
	{"kernel-version", Fail, func(f *Facts) { f.Kernel.Release = "6.0.1" }, "too old", "apt install"},
	{"fuse-device", Fail, func(f *Facts) { f.Kernel.Device = "no such file" }, "/dev/fuse: no such file", "modprobe fuse"},
	{"fuse-mount", Fail, func(f *Facts) { f.Kernel.ProbeErr = "not permitted" }, "not permitted", "CAP_SYS_ADMIN"},
	{"passthrough", Warn, func(f *Facts) { f.Kernel.Passthrough = false }, "no passthrough", "linux-image"},
	{"resend", Warn, func(f *Facts) { f.Kernel.Resend = false }, "no RESEND", "linux-image"},

	{"config", Fail, func(f *Facts) { f.Settings.Errors, f.Settings.First = 2, "x:1:1: bad" }, "2 errors, the first: x:1:1: bad", "grantfs check"},
	{"config-mode", Fail, func(f *Facts) { f.Settings.Files[0].Mode = 0o664 }, "grantfs.toml (uid 0, mode 0664)", "chmod go-w /etc/grantfs/grantfs.toml"},
	{"config-mode", Fail, func(f *Facts) { f.Settings.Files[0].UID = 7 }, "(uid 7", "chown root:root /etc/grantfs/grantfs.toml"},
	{"state-mode", Fail, func(f *Facts) { f.Settings.StateDir.Mode = 0o755 }, "mode 0755", "chmod go-rwx /var/lib/grantfs"},
	{"state-files", Fail, func(f *Facts) { f.Settings.State[0].Mode = 0o644 }, "seal.key", "chmod go-rwx /var/lib/grantfs/seal.key"},
	{"state-space", Warn, func(f *Facts) { f.Settings.Free = 500 << 20 }, "500 MiB free", "du "},
	{"state-space", Fail, func(f *Facts) { f.Settings.Free = 5 << 20 }, "5 MiB free", "du "},
	{"clock", Warn, func(f *Facts) { f.Settings.ClockUnset = true }, "nobody sets the clock", "timedatectl"},
	{"clock", Fail, func(f *Facts) { f.Settings.ClockUnset, f.Settings.Codes = true, true }, "second factors", "timedatectl"},

	{"daemon", Fail, func(f *Facts) { f.Daemon.Unreachable = "nobody there" }, "nobody there", "systemctl start grantfs"},
	{"daemon", Fail, func(f *Facts) { f.Daemon.Unreachable, f.Systemd, f.Config = "nobody", Systemd{}, "/x y" }, "nobody", "grantfs serve --config '/x y'"},
	{"daemon-version", Warn, func(f *Facts) { f.Daemon.Version = "0" }, "it runs as 0, this program is 1", "grantfs upgrade"},
	{"worker-restarts", Warn, func(f *Facts) { f.Daemon.Restarts[1].Count = 2 }, "signal 2", "journalctl"},
	{"reload", Fail, func(f *Facts) { f.Daemon.ReloadFailed = true }, "refused", "grantfs check"},
	{"aliases", Fail, func(f *Facts) { f.Daemon.Unreadable = 2 }, "2 alias files", "grantfs check"},
	{"audit", Warn, func(f *Facts) { f.Daemon.AuditLost = 4 }, "4 lines", "df"},

	{"mount", Fail, func(f *Facts) { f.Mount.Here, f.Mount.Init = false, 0 }, "the daemon runs, but", "systemctl restart grantfs"},
	{"mount", Fail, func(f *Facts) { f.Mount.Here, f.Mount.Init, f.Daemon.Unreachable = false, 0, "x" }, "nothing is mounted", "systemctl start grantfs"},
	{"mount", Fail, func(f *Facts) { f.Mount.Dead = "not connected" }, "not connected", "umount -l /srv/views"},
	{"mount", Warn, func(f *Facts) { f.Mount.Init = 2 }, "2 mounts", "umount"},
	{"mount-visible", Fail, func(f *Facts) { f.Mount.Init = 0 }, "another mount namespace", "systemctl revert"},
	{"chroot-owner", Fail, func(f *Facts) { f.Mount.Parents[1].Mode = 0o775 }, "/srv (uid 0, mode 0775)", "chmod go-w /srv"},
	{"chroot-owner", Fail, func(f *Facts) { f.Mount.Parents[1].UID = 33 }, "/srv (uid 33", "chown root:root /srv"},

	{"sources", Warn, func(f *Facts) { f.Sources.Missing = []string{"/srv/media", "/srv/it's"} }, "missing: /srv/media", `mkdir -p /srv/media '/srv/it'\''s'`},
	{"sources", Fail, func(f *Facts) { f.Sources.Hanging = []string{"/nfs"} }, "hang: /nfs", "mount"},
	{"sources", Fail, func(f *Facts) { f.Sources.Unusable = []string{"/l: ELOOP"} }, "/l: ELOOP", "grantfs check"},
	{"source-handles", Warn, func(f *Facts) { f.Sources.FileSystems[0].Handles = false }, "/ (ext4)", "# move"},
	{"source-watched", Warn, func(f *Facts) { f.Sources.FileSystems[0].Unwatched = "EXDEV" }, "EXDEV", "quota scan"},
	{"source-space", Fail, func(f *Facts) { f.Sources.FileSystems[0].Free = 1 }, "nobody can upload", "du "},

	{"nss-module", Fail, func(f *Facts) { f.Names.Library = false }, "libnss_systemd", "apt install libnss-systemd"},
	{"nsswitch", Fail, func(f *Facts) { f.Names.Switch["shadow"] = []string{"files"} }, "for: shadow", "sed "},
	{"nss-account", Fail, func(f *Facts) { f.Names.Answer = "the host does not know it" }, "o1.foo: the host", "getent"},
	{"nss-account", Warn, func(f *Facts) { f.Names.Duration = 2 * time.Second }, "took 2s", "getent"},

	{"pam-module", Fail, func(f *Facts) { f.PAM.Missing = "no pam_grantfs.so" }, "no pam_grantfs.so", "apt install --reinstall grantfs"},
	{"pam-module", Fail, func(f *Facts) {
		f.PAM = PAM{Missing: "no module", Built: "/b/pam_grantfs.so", Library: "/lib/x/security"}
	}, "no module", "install -m 644 /b/pam_grantfs.so /lib/x/security/pam_grantfs.so"},
	{"pam-abi", Fail, func(f *Facts) { f.PAM.Unfit = "for EM_AARCH64" }, "EM_AARCH64", "apt install"},
	{"pam-services", Fail, func(f *Facts) { f.PAM.Services = Missing }, "not installed", "grantfs apply --yes pam"},
	{"pam-services", Warn, func(f *Facts) { f.PAM.Services = Stale }, "not as this version", "grantfs apply --yes pam"},
	{"pam-services", Warn, func(f *Facts) { f.PAM.Services = Edited }, "edited", "rm /etc/pam.d/grantfs-sshd"},

	{"sshd", Warn, func(f *Facts) { f.SSHD = SSHD{Absent: true} }, "no /usr/sbin/sshd", "apt install openssh-server"},
	{"sshd-dropin", Fail, func(f *Facts) { f.SSHD.DropIn = Missing }, "not installed", "grantfs apply --yes pam sshd"},
	{"sshd-dropin", Warn, func(f *Facts) { f.SSHD.DropIn = Edited }, "edited", "rm /etc/ssh/sshd_config.d/50-grantfs.conf; grantfs apply"},
	{"sshd-config", Fail, func(f *Facts) { f.SSHD.Complaint = "sshd_config says UsePAM no" }, "UsePAM no", "UsePAM yes"},
	{"sshd-config", Fail, func(f *Facts) { f.SSHD.Complaint = "x does not include y" }, "does not include", "1i Include"},
	{"sshd-config", Fail, func(f *Facts) { f.SSHD.Complaint = "AllowGroups a of x" }, "AllowGroups", "& grantfs"},
	{"sshd-config", Fail, func(f *Facts) { f.SSHD.Complaint = "DenyGroups g* of x" }, "DenyGroups", "#&"},
	{"sshd-config", Fail, func(f *Facts) { f.SSHD.Complaint = "line 3: bad" }, "line 3: bad", "sshd -t"},
	{"sshd-match", Fail, func(f *Facts) { f.SSHD.Effective["chrootdirectory"] = "none" }, `chrootdirectory "none"`, "grep"},
	{"sshd-match", Fail, func(f *Facts) { f.SSHD.DropIn, f.SSHD.Effective["forcecommand"] = Missing, "none" }, "forcecommand", "grantfs apply"},
	{"sshd-match", Fail, func(f *Facts) { f.SSHD.Effective["authorizedkeyscommand"] = "none" }, "authorizedkeyscommand", "grep"},
	{"sshd-keys", Fail, func(f *Facts) { f.SSHD.KeysProgram = "no such file" }, "no such file", "/usr/sbin/grantfs"},
	{"sshd-pam", Fail, func(f *Facts) { f.SSHD.AsService = false }, "not called grantfs-sshd", "systemctl restart ssh"},
	{"sshd-pam", Warn, func(f *Facts) { f.SSHD.Listens = false }, "no sshd runs", "systemctl start ssh"},
	{"sshd-subsystem", Fail, func(f *Facts) { delete(f.SSHD.Effective, "subsystem") }, "no subsystem", "Subsystem sftp"},
	{"sshd-startups", Warn, func(f *Facts) { f.SSHD.Effective["maxstartups"] = "10:30:100" }, "10:30:100", "MaxStartups 200"},
	{"sshd-dns", Warn, func(f *Facts) { f.SSHD.Effective["usedns"] = "yes" }, "UseDNS yes", "UseDNS no"},

	{"vsftpd", Warn, func(f *Facts) { f.VSFTPD = VSFTPD{Absent: true} }, "no /usr/sbin/vsftpd", "apt install vsftpd"},
	{"vsftpd-config", Warn, func(f *Facts) { f.VSFTPD.File = Missing }, "not installed", "grantfs apply --yes pam vsftpd"},
	{"vsftpd-config", Warn, func(f *Facts) { f.VSFTPD.File = Stale }, "not as this version", "grantfs apply"},
	{"vsftpd-certificate", Fail, func(f *Facts) { f.VSFTPD.Expires = f.Now.Add(-time.Hour) }, "has expired", "openssl req"},
	{"vsftpd-certificate", Fail, func(f *Facts) { f.VSFTPD.Unreadable = "no such file" }, "no such file", "openssl req"},
	{"vsftpd-certificate", Warn, func(f *Facts) { f.VSFTPD.Expires = f.Now.Add(time.Hour) }, "expires at", "openssl req"},
	{"vsftpd-seccomp", Fail, func(f *Facts) { f.VSFTPD.Options["seccomp_sandbox"] = "YES" }, "killed", "seccomp_sandbox=NO"},
	{"vsftpd-seccomp", Fail, func(f *Facts) { delete(f.VSFTPD.Options, "seccomp_sandbox") }, "killed", "seccomp_sandbox=NO"},
	{"vsftpd-starts", Fail, func(f *Facts) { f.VSFTPD.Complaint = "500 OOPS" }, "500 OOPS", "rm /etc/vsftpd-grantfs.conf; grantfs apply"},

	{"systemd-unit", Warn, func(f *Facts) { f.Systemd = Systemd{} }, "does not run here", "# start it"},
	{"systemd-unit", Fail, func(f *Facts) { f.Systemd.Unit["LoadState"] = "not-found" }, "no grantfs.service", "apt install"},
	{"systemd-unit", Fail, func(f *Facts) { f.Systemd.Unit["ActiveState"] = "failed" }, "is failed (running)", "systemctl start grantfs"},
	{"systemd-unit", Warn, func(f *Facts) { f.Systemd.Unit["UnitFileState"] = "disabled" }, "is disabled", "systemctl enable grantfs"},
	{"systemd-fdstore", Warn, func(f *Facts) { f.Systemd.Unit["FileDescriptorStoreMax"] = "0" }, "is 0", "FileDescriptorStoreMax=8192"},
	{"systemd-namespace", Fail, func(f *Facts) { f.Systemd.Namespaced = []string{"PrivateTmp=yes"} }, "PrivateTmp=yes", "systemctl revert"},
	{"systemd-reload", Warn, func(f *Facts) { f.Systemd.Reload = []string{"ssh.service"} }, "ssh.service", "daemon-reload"},

	{"inotify-watches", Fail, func(f *Facts) { f.Limits.Watches = 2 }, "is 2, and 3 are needed", "sysctl -w fs.inotify.max_user_watches="},
	{"inotify-watches", Warn, func(f *Facts) { f.Limits.Watches = 4 }, "is 4", "sysctl"},
	{"inotify-instances", Fail, func(f *Facts) { f.Limits.Instances = 4 }, "is 4", "sysctl -w fs.inotify.max_user_instances="},
	{"files", Warn, func(f *Facts) { f.Limits.Files = 1024 }, "1024 files", "LimitNOFILE="},
	{"core", Fail, func(f *Facts) { f.Limits.Core = 1 }, "passwords", "LimitCORE=0"},
	{"memory", Warn, func(f *Facts) { f.Limits.Memory = 64 << 20 }, "64 MiB", "MemoryMax="},
}

// TestGood holds that a good host has a line of each check, and all are OK.
func TestGood(t *testing.T) {
	findings := Judge(Checks(), good())
	for _, f := range findings {
		if f.Level != OK || f.Mend != "" {
			t.Errorf("%+v", f)
		}
	}
	if len(findings) != len(Checks()) || Worst(findings) != OK {
		t.Errorf("%d findings of %d checks", len(findings), len(Checks()))
	}
}

// TestFaults sees every check fire, and no other because of the same fault but
// those that follow from it.
func TestFaults(t *testing.T) {
	fired := map[string]bool{}
	for _, tt := range faults {
		t.Run(tt.check, func(t *testing.T) {
			facts := good()
			tt.make(facts)
			findings := Judge(Checks(), facts)
			i := slices.IndexFunc(findings, func(f Finding) bool { return f.Check == tt.check })
			if i < 0 {
				t.Fatal("there is no such line")
			}
			f := findings[i]
			if f.Level != tt.level || !strings.Contains(f.Found, tt.found) || !strings.Contains(f.Mend, tt.mend) {
				t.Errorf("%+v, want %v, %q, mended by %q", f, tt.level, tt.found, tt.mend)
			}
			if out, err := exec.Command("sh", "-n", "-c", f.Mend).CombinedOutput(); err != nil {
				t.Errorf("no shell takes %q: %s", f.Mend, out)
			}
			if Worst(findings) < tt.level {
				t.Errorf("the worst is %v", Worst(findings))
			}
			fired[tt.check] = true
		})
	}
	for _, c := range Checks() {
		// No kernel of a distribution lacks only that, and nothing mends it.
		if !fired[c.Name] && c.Name != "epoch" {
			t.Errorf("%s never fires", c.Name)
		}
	}
}

// TestNotApplicable holds that what follows from a fault has no line of its own.
func TestNotApplicable(t *testing.T) {
	tests := []struct {
		name  string
		make  func(*Facts)
		group string
		want  []string // lines of the group
	}{
		{"no sshd", func(f *Facts) { f.SSHD = SSHD{Absent: true} }, "sshd", []string{"sshd"}},
		{"no vsftpd", func(f *Facts) { f.VSFTPD = VSFTPD{Absent: true} }, "vsftpd", []string{"vsftpd"}},
		{"no FTPS", func(f *Facts) { f.VSFTPD = VSFTPD{File: Missing} }, "vsftpd", []string{"vsftpd", "vsftpd-config"}},
		{"no /dev/fuse", func(f *Facts) { f.Kernel.Device = "x" }, "kernel", []string{"kernel-version", "fuse-device"}},
		{"no daemon", func(f *Facts) { f.Daemon = Daemon{Unreachable: "x"} }, "daemon", []string{"daemon"}},
		{"no state", func(f *Facts) { f.Settings.StateDir = File{} }, "config", []string{"config", "config-mode", "state-mode", "clock"}},
		{"no systemd", func(f *Facts) { f.Systemd = Systemd{} }, "systemd", []string{"systemd-unit"}},
		{"not looked at", func(f *Facts) { f.Unknown = map[string]string{"pam": "it hangs"} }, "pam", []string{"pam"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := good()
			tt.make(facts)
			checks, _ := Choose([]string{tt.group})
			var got []string
			for _, f := range Judge(checks, facts) {
				got = append(got, f.Check)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTable holds that names are unique, and groups stand together.
func TestTable(t *testing.T) {
	names, groups := map[string]bool{}, []string{}
	for _, c := range Checks() {
		if names[c.Name] || c.Name == "" || c.About == "" {
			t.Errorf("%q is there twice, or says nothing about itself", c.Name)
		}
		names[c.Name] = true
		groups = append(groups, c.Group)
	}
	if got := len(slices.Compact(groups)); got != len(Groups(Checks())) {
		t.Errorf("%d runs of groups", got)
	}
	if got, unknown := Choose([]string{"kernel", "nsswitch"}); len(got) != 7 || unknown != "" {
		t.Errorf("Choose = %d checks, unknown %q", len(got), unknown)
	}
	if _, unknown := Choose([]string{"kernel", "kernels"}); unknown != "kernels" {
		t.Errorf("unknown = %q", unknown)
	}
}
