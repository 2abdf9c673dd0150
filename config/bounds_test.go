package config

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"grantfs/policy"
)

// Whatever a file holds, reading it takes time in proportion to its size. The
// limit is generous, and of processor time, which others on the machine don't
// change: what is quadratic takes minutes.
func TestBoundedTime(t *testing.T) {
	const megabyte = 1 << 20
	repeat := func(s string, size int) string { return strings.Repeat(s, size/len(s)) }
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	tests := []struct{ name, text string }{
		{"one comment", "#" + repeat("x", 10*megabyte)},
		{"one string", "strict_conflicts = \"" + repeat("x", 10*megabyte) + "\""},
		{"one key", repeat("x", 10*megabyte) + " = 1"},
		{"one dotted key", repeat("x.", 2*megabyte) + "x = 1"},
		{"30,000 accounts", numbered("[accounts.u%d]\nuid = 100\nquota_size = \"10GiB\"\nprimary_group = \"g\"\n", 30_000)},
		{"accounts twice", numbered("[accounts.u%d]\n", 15_000) + "[accounts.u1]\n" + numbered("[accounts.v%d]\n", 15_000)},
		{"unknown keys", numbered("max_sesions%d = 1\n", 20_000)},
		{"misplaced keys", "[accounts.a]\n" + repeat("point = 1\n", megabyte/2)},
		{"one key again and again", repeat("strict_conflicts = true\n", megabyte)},
		{"many paths", "[accounts.a.permissions]\n" + numbered("\"/a/%d\" = [\"list\"]\n", 50_000)},
		{"many windows", "[accounts.a]\naccess_time = [" + repeat("{from = \"09:00\", to = \"08:00\"},", megabyte) + "]"},
		{"many mounts", "[accounts.a]\n" + repeat("[[accounts.a.virtual_folders]]\nfolder = \"f\"\n", megabyte)},
		{"many addresses", "[accounts.a]\nallowed_ip = [" + repeat("\"192.0.2.1/8\",", megabyte) + "]"},
		{"many zones", "[accounts.a]\naccess_time = [" + numbered("{weekday = \"monday\", from = \"09:00\", to = \"10:00\", zone = \"Mars/%d\"},", 5_000) + "]"},
		{"a deep list", "x = " + strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999)},
		{"a list too deep", "x = " + repeat("[", 10*megabyte)},
		{"per cent signs", "[folders.f]\nsource = \"/" + repeat("%", 10*megabyte) + "\""},
		{"5,000 components", "[folders.f]\nsource = \"" + strings.Repeat("/a", 5_000) + "\""},
		{"a long path", "[folders.f]\nsource = \"" + repeat("/a", 10*megabyte) + "\""},
		{"digits", "[accounts.a]\nquota_size = \"" + repeat("9", 10*megabyte) + "\""},
		{"fraction", "[accounts.a]\nquota_size = \"1." + repeat("9", 10*megabyte) + "KB\""},
		{"duration", "[accounts.a]\nidle_timeout = \"" + repeat("0s", 10*megabyte) + "\""},
		{"newlines", repeat("\n", 10*megabyte)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := processorTime(t)
			d := newDecoder(nil)
			d.decode("f.toml", []file{{name: "f.toml", data: []byte(tt.text)}})
			took := processorTime(t) - start
			if took > 30*time.Second {
				t.Errorf("decode of %d bytes took %v, want seconds at most", len(tt.text), took)
			}
			for _, p := range d.problems {
				if len(p.Text) > 1000 {
					t.Errorf("message of %d bytes, want at most 1000", len(p.Text))
					break
				}
			}
			t.Logf("%d bytes, %d problems, %v", len(tt.text), len(d.problems), took)
		})
	}
}

func TestLongNames(t *testing.T) {
	long := strings.Repeat("n", 300)
	tests := []struct{ text, want string }{
		{"[accounts." + long + "]", "the name is longer than 32 characters"},
		{"[groups." + long + "]", "the name is longer than 255 bytes"},
		{"[folders." + long + "]\nsource = \"/a\"", "the name is longer than 255 bytes"},
		{"[sites." + long + "]\nsource = \"/a\"", "the name is longer than 253 characters"},
		{"[folders.f]\nsource = \"/" + long + "\"", "has a component of more than 255 bytes"},
		{"[folders.f]\nsource = \"" + strings.Repeat("/a", 5_000) + "\"", "is longer than 4095 bytes"},
		{"[mount]\ncontrol = \"/" + strings.Repeat("c", 120) + "\"", "is longer than the 107 bytes a socket's path may have"},
	}
	for _, tt := range tests {
		d := newDecoder(nil)
		d.decode("f.toml", []file{{name: "f.toml", data: []byte(tt.text)}})
		if len(d.problems) != 1 || d.problems[0].Severity != policy.SeverityError || !strings.HasSuffix(d.problems[0].Text, tt.want) {
			t.Errorf("%.40s…: problems = %q, want one that ends in %q", tt.text, lines(d.problems), tt.want)
		}
	}
}

// processorTime returns what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
