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
