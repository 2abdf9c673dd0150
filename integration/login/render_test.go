package login

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRenderNames(t *testing.T) {
	tests := []struct {
		o    Options
		want []string // nil for an error
	}{
		{Options{}, []string{"/etc/pam.d/grantfs-sshd", "/etc/pam.d/grantfs-vsftpd"}},
		{Options{SSHService: "views.ssh", FTPService: "views-ftp"}, []string{"/etc/pam.d/views-ftp", "/etc/pam.d/views.ssh"}},
		{Options{SSHService: "a", FTPService: "a"}, nil},
		{Options{SSHService: "sshd"}, nil},
		{Options{FTPService: "vsftpd"}, nil},
		{Options{SSHService: "../shadow"}, nil},
		{Options{SSHService: ".hidden"}, nil},
		{Options{FTPService: "a b"}, nil},
	}
	for _, tt := range tests {
		files, err := Render(tt.o)
		got := slices.Sorted(maps.Keys(files))
		if !slices.Equal(got, tt.want) || (err != nil) != (tt.want == nil) {
			t.Errorf("Render(%+v) = %v, %v, want %v", tt.o, got, err, tt.want)
		}
	}
}

// TestStacks checks the shape of every rendered stack; package vsftpd's tests
// log in through one.
func TestStacks(t *testing.T) {
	files, err := Render(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		first := make(map[string]string)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			fields := strings.Fields(line)
			if len(fields) < 3 {
				t.Errorf("%s: line %q is too short", path, line)
				continue
			}
			kind, control, module := fields[0], fields[1], fields[2]
			if first[kind] == "" {
				first[kind] = module
			}
			// Whatever is there must be able to refuse.
			if control != "required" && control != "requisite" {
				t.Errorf("%s: line %q may be passed over", path, line)
			}
			if module == "pam_exec.so" || module == "pam_motd.so" {
				t.Errorf("%s: %s runs programs", path, module)
			}
			if module == "pam_grantfs.so" {
				continue // ours, which comes with the program
			}
			if found, _ := filepath.Glob("/lib/*/security/" + module); len(found) == 0 {
				t.Errorf("%s: no module %s on this host", path, module)
			}
		}
		for kind, module := range map[string]string{
			"auth": "pam_grantfs.so", "account": "pam_succeed_if.so", "password": "pam_deny.so", "session": "pam_limits.so",
		} {
			if first[kind] != module {
				t.Errorf("%s: %s begins with %q, want %s", path, kind, first[kind], module)
			}
		}
	}
}
