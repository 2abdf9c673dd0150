package stress

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// notOurs are the stressors of stress-ng's file-system class that have no
// business in a view, and why.
var notOurs = map[string]string{
	"access":  "product.md §8: modes are the policy's, and so is what access(2) says",
	"link":    "product.md §5: no hard links",
	"symlink": "product.md §5: its symlinks are absolute",
	"xattr":   "product.md §5: only where a folder has user_xattrs; it gives up",
	"fiemap":  "product.md §5: no ioctl; it gives up",
	"verity":  "product.md §5: no ioctl; it gives up",

	"bind-mount": "works on the machine's mounts, not in the view",
	"binderfs":   "works on the machine's mounts, not in the view",
	"fanotify":   "needs CAP_SYS_ADMIN, which no account has",
	"dup":        "works on descriptors, not in the view",
	"eventfd":    "works on descriptors, not in the view",
	"io":         "flushes the whole machine's disks",
	"procfs":     "works on /proc, not in the view",
}

// TestStressNG lets every stressor of stress-ng's file-system class, one after
// the other, try what it can in the view, and verify it.
func TestStressNG(t *testing.T) {
	counted := mount(t, true)
	limit := turn(t)
	for _, name := range stressors(t) {
		if notOurs[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m := counted
			if name == "fsize" {
				// It allocates without end and takes a quota's EDQUOT for a fault.
				m = mount(t, false)
			}
			out := m.run(t, limit, "stress-ng", "--"+name, "1", "--timeout", fmt.Sprint(int(limit.Seconds()))+"s", "--verify",
				"--temp-path", m.view, "--oomable", "--no-rand-seed", "--log-brief")
			if strings.Contains(out, "skipp") {
				t.Errorf("it gave up: %s", out)
			}
			m.sound(t)
			m.clear(t)
		})
	}
}

// stressors asks stress-ng for the names of the class.
func stressors(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("stress-ng", "--class", "filesystem?").CombinedOutput() // its status says nothing
	_, list, ok := strings.Cut(string(out), "stressors: ")
	if !ok {
		t.Fatalf("stress-ng lists no stressors: %v\n%s", err, out)
	}
	return strings.Fields(list)
}
