package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checked runs check on a configuration and returns what it says, without the
// directory.
func checked(t *testing.T, text string) (said string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "grantfs.toml")
	writeConfig(t, file, text)
	_, said, code = grantfs(t, "check", file)
	return strings.ReplaceAll(said, filepath.Dir(file)+"/", ""), code
}

// TestCheckFindsWhatServeDrops: an account that the host has no room for is found
// before anything is served.
func TestCheckFindsWhatServeDrops(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		code       int
	}{
		{"[accounts.root]\nhome_dir = \"/srv/h\"\n", "grantfs.toml:1:1: error: account root is left out: it is a name of root on this host\n", exitConfig},
		{"[accounts.zz]\nuid = 33\nhome_dir = \"/srv/h\"\n", "grantfs.toml:2:7: error: account zz is left out: uid 33 is that of the user www-data of this host\n", exitConfig},
		{"[accounts.www-data]\nhome_dir = \"/srv/h\"\n", "grantfs.toml:1:1: warning: account www-data: it is a system user of this host (uid 33)\n", exitOK},
		{
			"[accounts.nobody]\nuid = 61001\nhome_dir = \"/srv/h\"\n",
			"grantfs.toml:2:7: warning: account nobody: uid 61001 is not used, the host's user of this name has 65534\n", exitOK,
		},
	} {
		if said, code := checked(t, tt.text); said != tt.want || code != tt.code {
			t.Errorf("check of %q = %d\n%s\nwant %d\n%s", tt.text, code, said, tt.code, tt.want)
		}
	}
}

// TestCheckMountPoint: a mount point that is something else is found.
func TestCheckMountPoint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "views")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := "grantfs.toml:2:9: error: mount.point: " + file + " is not a directory\n"
	if said, code := checked(t, "[mount]\npoint = \""+file+"\"\n"); said != want || code != exitConfig {
		t.Errorf("check = %d\n%s\nwant %d\n%s", code, said, exitConfig, want)
	}
}

// TestCheckNoise: a mistake is reported once, where it is, and keeps nothing else
// from being reported that does not depend on it.
func TestCheckNoise(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{
			"a group twice", "[groups.g]\nhome_dir = \"/srv/h\"\nfile_patterns = [{ path = \"/\", denied = [\"*.exe\"] }]\n[accounts.zoe]\nprimary_group = \"g\"\nsecondary_groups = [\"g\"]\n",
			"grantfs.toml:6:21: error: account \"zoe\" has group \"g\" twice, first at grantfs.toml:5:17\n",
		},
		{
			"a source that is refused", "[folders.f]\nsource = \"srv\"\n[accounts.zoe]\nvirtual_folders = [{ folder = \"f\", path = \"/f\" }]\npermissions = { \"/f\" = [\"list\"] }\n",
			"grantfs.toml:2:10: error: source \"srv\" is relative; it must begin with /\n",
		},
		{
			"a home that is refused", "[groups.g]\nhome_dir = \"srv\"\npermissions = { \"/in\" = [\"list\"] }\n[accounts.zoe]\nprimary_group = \"g\"\n",
			"grantfs.toml:2:12: error: home_dir \"srv\" is relative; it must begin with /\n",
		},
		{
			"an error elsewhere", "[accounts.yan]\nprimary_group = \"none\"\n[accounts.zoe]\npermissions = { \"/in\" = [\"list\"] }\n",
			"grantfs.toml:2:17: error: account \"yan\": there is no group \"none\"\n" +
				"grantfs.toml:4:17: warning: permissions: /in leads nowhere: there is no home, and no folder or site lies at, above or below it (account \"zoe\")\n",
		},
		{
			"denied addresses", "[accounts.zoe]\nhome_dir = \"/srv/h\"\nallowed_ip = [\"10.1.0.0/16\"]\ndenied_ip = [\"10.0.0.0/8\"]\n",
			"grantfs.toml:4:14: error: allowed_ip leaves no address to log in from: 10.1.0.0/16 by account:zoe (denied_ip at grantfs.toml:4:14) (account \"zoe\")\n",
		},
	} {
		if said, code := checked(t, tt.text); said != tt.want || code != exitConfig {
			t.Errorf("%s: check = %d\n%s\nwant\n%s", tt.name, code, said, tt.want)
		}
	}
}

// TestCheckRemarks: what is right but most likely not meant.
func TestCheckRemarks(t *testing.T) {
	said, code := checked(t, `[aegir]
client_primary_group = "clients"
[groups.clients]
[groups.idle]
start_directory = "/sites"
[groups.temps]
expires_in = "30d"
[folders.idle]
source = "/usr/share"
[accounts.zoe]
[accounts.yan]
home_dir = "/usr/lib"
expires_at = 2001-01-01T00:00:00Z
[accounts.xav]
home_dir = "/usr/libexec"
primary_group = "temps"
created_at = 2001-01-01T00:00:00Z
[accounts.will]
enabled = false
home_dir = "/usr/sbin"
expires_at = 2001-01-01T00:00:00Z
start_directory = "/"
tls_username = "CommonName"
`)
	want := `grantfs.toml:4:1: warning: group "idle" is not used: no account has it
grantfs.toml:5:19: warning: start_directory has no effect: sessions begin at the top of the view, whatever the server
grantfs.toml:7:14: warning: account "xav" has expired, at 2001-01-31T00:00:00Z by group:temps
grantfs.toml:8:1: warning: folder "idle" is not used: no account and no group mounts it
grantfs.toml:10:1: warning: account "zoe" has no home, folder or site: its view is empty
grantfs.toml:13:14: warning: account "yan" has expired, at 2001-01-01T00:00:00Z by account:yan
grantfs.toml:23:16: warning: tls_username has no effect: vsftpd tells nobody whose a client's certificate is
`
	if said != want || code != exitOK {
		t.Errorf("check = %d\n%s\nwant\n%s", code, said, want)
	}
}
