package login

import (
	"fmt"
	"maps"
	"regexp"
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

// rule is one line of a PAM service.
type rule struct{ control, module, args string }

var pamLine = regexp.MustCompile(`^(auth|account|password|session)\s+(\[[^\]]*\]|\w+)\s+(\S+)\s*(.*)$`)

// parts reads a PAM service.
func parts(t *testing.T, service []byte) map[string][]rule {
	t.Helper()
	list := make(map[string][]rule)
	for line := range strings.Lines(string(service)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		m := pamLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %q makes no sense", line)
		}
		list[m[1]] = append(list[m[1]], rule{m[2], m[3], m[4]})
	}
	return list
}

// met returns what a user comes to who is refused by nobody.
func met(t *testing.T, part []rule, member bool) []rule {
	t.Helper()
	var path []rule
	for i := 0; i < len(part); i++ {
		r := part[i]
		if r.control[0] != '[' || strings.HasSuffix(r.control, " default=bad]") {
			path = append(path, r)
			if r.module == "pam_deny.so" {
				return path
			}
			continue
		}
		var jump int
		var otherwise string
		if _, err := fmt.Sscanf(strings.Replace(r.control, " ignore=ignore", "", 1), "[success=%d default=%s", &jump, &otherwise); err != nil || r.module != "pam_succeed_if.so" {
			t.Fatalf("%v: %v, want a question about the group", r, err)
		}
		if member != strings.Contains(r.args, "notingroup") {
			i += jump
		} else if otherwise != "ignore]" {
			return append(path, rule{"requisite", "pam_deny.so", ""})
		}
	}
	return path
}

// TestStacks checks the shape of every rendered stack; the end-to-end tests log in
// through them.
func TestStacks(t *testing.T) {
	files, err := Render(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckModules(); err != nil && !strings.HasSuffix(err.Error(), "modules pam_grantfs.so: install them below /lib/*/security") {
		t.Error(err)
	}
	for path, text := range files {
		ssh := strings.HasSuffix(path, DefaultSSHService)
		for kind, part := range parts(t, text) {
			member := met(t, part, true)
			for _, r := range member {
				// Whatever a member meets must be able to refuse.
				if r.control != "required" && r.control != "requisite" && r.control[0] != '[' {
					t.Errorf("%s: %s: %v may be passed over", path, kind, r)
				}
				if r.module == "pam_exec.so" || r.module == "pam_motd.so" {
					t.Errorf("%s: %s: %s runs programs", path, kind, r.module)
				}
			}
			want := map[string]string{
				"auth": "pam_grantfs.so", "account": "pam_grantfs.so", "password": "pam_deny.so", "session": "pam_limits.so",
			}[kind]
			if !ssh && kind == "account" {
				want = "pam_succeed_if.so" // members only: nobody else comes further
			}
			if member[0].module != want {
				t.Errorf("%s: %s begins with %v, want %s", path, kind, member[0], want)
			}
			others := met(t, part, false)
			if ssh && !slices.Equal(others, []rule{{"substack", "sshd", ""}}) {
				t.Errorf("%s: who is no member meets %v in %s, want the host's own service alone", path, others, kind)
			}
		}
	}
}
