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
	"FcntlFlockLocksFile": "(none): fails on ext4 itself, a process does not lock itself out; locks are the kernel's own",
	"Link":                "§5: no hard links",
	"LinkUnlinkRename":    "§5: no hard links",
	"Tmpfile":             "§5: no file without a name",
	"XAttrLarge":          "(none): ext4 has no room for such attributes either",
	"OpenSymlinkRace":     "§5: its symlinks are absolute; see TestSymlinks",
	"SymlinkReadlink":     "§5: its symlink is absolute; see TestSymlinks",
}

// posixInput is a view that allows everything, of root with the folder dir at /x.
// Modes are the client's and attributes there where the folder says so.
func posixInput(dir string) (policy.Input, map[string]policy.IDs) {
	return policy.Input{
		Folders: []policy.Folder{{Name: "x", Source: set(dir), Modes: set("client"), UserXattrs: set(true)}},
		Accounts: []policy.Account{{Name: "root", Settings: policy.Settings{
			VirtualFolders: []policy.Mounting{{Folder: set("x"), Path: set("/x")}},
			Permissions:    []policy.Permission{{Path: set("/x"), Verbs: []policy.Setting[string]{set("*")}}},
		}}},
	}, map[string]policy.IDs{"root": {}}
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
			in, ids := posixInput(tree(t))
			m := mount(t, in, ids)
			work := filepath.Join(m.point, "root/x")
			if err := os.Chdir("/"); err != nil {
				t.Fatal(err)
			}
			f(t, work)
		})
	}
}
