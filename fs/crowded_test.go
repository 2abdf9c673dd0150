package fs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestNodeLimits: a view that has many nodes lists every name and knows no more
// of them than it is asked for; beyond its limit a lookup is ENFILE, and another
// account goes on.
func TestNodeLimits(t *testing.T) {
	const soft, hard, files = 8, 16, 40
	names := make([]string, files)
	for i := range names {
		names[i] = fmt.Sprint("f", i)
	}
	dir := tree(t, names...)
	in, ids := home(dir, nil)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(tree(t, "b"))}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	m.LimitNodes(soft, hard)
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		list, err := os.ReadDir(view)
		if err != nil || len(list) != files {
			t.Errorf("%d names are listed, %v, want %d", len(list), err, files)
		}
		if n := m.Nodes(); n > soft+2 {
			t.Errorf("%d nodes after a listing, want about %d", n, soft)
		}
		known, refused := 0, 0
		for _, name := range names {
			_, err := os.Lstat(filepath.Join(view, name))
			switch {
			case err == nil:
				known++
			case errors.Is(err, unix.ENFILE):
				refused++
			default:
				t.Errorf("stat of %s: %v", name, err)
			}
		}
		// The view's root is one of its nodes.
		if known != hard-1 || refused != files-known {
			t.Errorf("%d files are known and %d refused, want %d and the rest", known, refused, hard-1)
		}
		for what, err := range map[string]error{
			"mkdir":   unix.Mkdir(filepath.Join(view, "mkdir"), 0o755),
			"symlink": unix.Symlink("f0", filepath.Join(view, "symlink")),
			"mknod":   unix.Mknod(filepath.Join(view, "mknod"), unix.S_IFREG|0o644, 0),
			"create":  opened(filepath.Join(view, "create"), unix.O_CREAT|unix.O_WRONLY, func(int) error { return nil }),
		} {
			if !errors.Is(err, unix.ENFILE) {
				t.Errorf("%s: %v, want ENFILE", what, err)
			}
		}
	})
	if list, err := os.ReadDir(dir); err != nil || len(list) != files {
		t.Errorf("after what was refused the directory holds %v, %v", list, err)
	}
	as(bobUID, func() {
		if _, err := os.Lstat(filepath.Join(m.point, "bob", "b")); err != nil {
			t.Errorf("another account: %v", err)
		}
	})
}
