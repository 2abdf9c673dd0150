package main

import "testing"

func TestSocketsBeside(t *testing.T) {
	first := socketPaths{"/run/systemd/userdb/io.grantfs", "/run/grantfs/pam.sock", "/run/grantfs/keys.sock"}
	for control, want := range map[string]socketPaths{
		"/run/grantfs/control.sock":       first,
		"/run/elsewhere/control.sock":     first,
		"/run/grantfs/other/control.sock": {"/run/systemd/userdb/io.grantfs.other", "/run/grantfs/other/pam.sock", "/run/grantfs/other/keys.sock"},
	} {
		if got := socketsBeside(control); got != want {
			t.Errorf("socketsBeside(%s) = %v, want %v", control, got, want)
		}
	}
}
