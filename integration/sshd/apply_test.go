package sshd

import (
	"strings"
	"testing"
)

// TestSubstitute spells out what sshd_config includes. The drop-in need not be
// there: that is what it is for.
func TestSubstitute(t *testing.T) {
	tests := []struct {
		name, main string
		remove     bool
		want, bad  string
	}{
		{"Debian's", "# x\nInclude /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n", false, "# x\nInclude \"/tmp/ours\"\nUsePAM yes\n", ""},
		{"relative, in any case, two", "include none-*.conf \"sshd_config.d/5*\"\n", false, "Include \"/tmp/ours\"\n", ""},
		{"removed", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n", true, "UsePAM yes\n", ""},
		{"not included, removed", "UsePAM yes\n", true, "UsePAM yes\n", ""},
		{"not included", "Include /etc/ssh/other/*.conf\n", false, "", "does not include"},
		{"commented out", "#Include /etc/ssh/sshd_config.d/*.conf\n", false, "", "does not include"},
		{"for some users only", "Match User x\n  X11Forwarding no\nInclude /etc/ssh/sshd_config.d/*.conf\n", false, "", "below a Match line"},
	}
	for _, tt := range tests {
		dropIn := []byte("UseDNS no\n")
		if tt.remove {
			dropIn = nil
		}
		got, err := substitute([]byte(tt.main), dropIn, "/tmp/ours")
		if tt.bad != "" {
			if err == nil || !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("%s: substitute = %v, want an error that says %q", tt.name, err, tt.bad)
			}
		} else if err != nil || string(got) != tt.want {
			t.Errorf("%s: substitute = %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// TestUnits holds that each addition starts sshd by the name of the service, as
// the unit that it is added to does.
func TestUnits(t *testing.T) {
	units := Units("grantfs-sshd")
	for i, want := range []string{"ExecStart=/run/sshd/grantfs-sshd -D $SSHD_OPTS\n", "ExecStart=-/run/sshd/grantfs-sshd -i $SSHD_OPTS\n"} {
		path := UnitPaths()[i]
		if text := string(units[path]); !strings.Contains(text, "\nExecStart=\n"+want) {
			t.Errorf("%s = %s, want %q in it", path, text, want)
		}
	}
}

func TestObstacle(t *testing.T) {
	tests := []struct{ effective, want string }{
		{"port 22\nusepam yes\n", ""},
		{"usepam no\n", "UsePAM no"},
		{"port 22\n", "UsePAM no"},
		{"usepam yes\nallowgroups admins\nallowgroups grantfs\nallowgroups x\n", ""},
		{"usepam yes\nallowgroups grant*\n", ""},
		{"usepam yes\nallowgroups admins\nallowgroups grantfs-2fa\n", "AllowGroups admins grantfs-2fa of"},
		{"usepam yes\ndenygroups other\n", ""},
		{"usepam yes\ndenygroups other\ndenygroups g*\n", "DenyGroups g* of"},
	}
	for _, tt := range tests {
		err := obstacle(tt.effective)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("obstacle(%q) = %v, want %q", tt.effective, err, tt.want)
		}
	}
}
