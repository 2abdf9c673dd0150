package fs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"

	"grantfs/policy"
)

// notPOSIX names the tests of posixtest that a view fails on purpose, and the
// place of the rule.
var notPOSIX = map[string]string{
	"FallocateKeepSize":   "§9: bytes are the apparent size, so space beyond it can't be had",
	"FcntlFlockLocksFile": "fails on ext4 itself; locks are the kernel's own (architecture.md §3)",
	"FileBasic":           "§8: modes are the policy's, what the account may write is 0644; see TestModes",
	"Link":                "§5: no hard links",
	"LinkUnlinkRename":    "§5: no hard links",
	"OpenSymlinkRace":     "§5: its symlinks are absolute; see TestSymlinks",
	"SymlinkReadlink":     "§5: its symlink is absolute; see TestSymlinks",
}

// TestPOSIX runs go-fuse's suite in a view that allows everything. The suite
// runs as root, so root is the view's account here.
func TestPOSIX(t *testing.T) {
	for name, f := range posixtest.All {
		t.Run(name, func(t *testing.T) {
			if why, ok := notPOSIX[name]; ok {
				t.Logf("a view fails this on purpose: product.md %s", why)
				return
			}
			dir := tree(t)
			in := policy.Input{Accounts: []policy.Account{{Name: "root", Settings: policy.Settings{HomeDir: set(dir)}}}}
			m := mount(t, in, map[string]policy.IDs{"root": {}})
			work := filepath.Join(m.point, "root")
			if err := os.Chdir("/"); err != nil {
				t.Fatal(err)
			}
			f(t, work)
		})
	}
}
