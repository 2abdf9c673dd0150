package fs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestLinkedFiles: others give a file of alice's a second name, she does something
// with one of the two, others do something in the other's directory: each tree
// holds what a count of it finds.
func TestLinkedFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		second string // name that others made for home/d/f
		ours   func(view string) error
		theirs string // a script, in home
	}{
		"unlink": {
			"home/e/g",
			func(v string) error { return unix.Unlink(v + "/d/f") },
			"echo x > e/new",
		},
		"rename": {
			"home/e/g",
			func(v string) error { return unix.Rename(v+"/d/f", v+"/c/f") },
			"echo x > d/new; rm e/g",
		},
		"rename over": {
			"home/e/g",
			func(v string) error { return unix.Rename(v+"/c/old", v+"/d/f") },
			"echo x > e/new",
		},
		"rename over the other": {
			"home/e/g",
			func(v string) error { return unix.Rename(v+"/c/old", v+"/e/g") },
			"echo x > d/new",
		},
		"exchange": {
			"home/e/g",
			func(v string) error {
				return unix.Renameat2(unix.AT_FDCWD, v+"/d/f", unix.AT_FDCWD, v+"/c/old", unix.RENAME_EXCHANGE)
			},
			"echo x > d/new; rm e/g",
		},
		"unlink, the other name in another tree": {
			"folder/g",
			func(v string) error { return unix.Unlink(v + "/d/f") },
			"",
		},
		"write, the other name in another tree": {
			"folder/g",
			func(v string) error { return os.Truncate(v+"/d/f", 7_000) },
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			top := tree(t, "home/", "home/c/", "home/d/", "home/e/", "folder/", "home/d/f", "home/c/old")
			inner, folder := filepath.Join(top, "home"), filepath.Join(top, "folder")
			in, ids := home(inner, func(a *policy.Account) {
				a.QuotaSize = bytesLimit(1 << 30)
				a.VirtualFolders = []policy.Mounting{{Folder: set("folder"), Path: set("/folder")}}
			})
			in.Folders = []policy.Folder{{Name: "folder", Source: set(folder)}}
			m := mount(t, in, ids)
			m.count(t, inner, folder)
			check := func(when string) {
				t.Helper()
				t.Log(when)
				if err := m.Recounter().Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
				m.isUsed(t, "account:alice", inner)
				m.isUsed(t, "folder:folder", folder)
			}
			// The events of this process are not seen: others are another.
			outside(t, "truncate -s 5000 "+inner+"/d/f && ln "+inner+"/d/f "+filepath.Join(top, tt.second))
			check("linked")
			as(aliceUID, func() {
				if err := tt.ours(filepath.Join(m.point, "alice")); err != nil {
					t.Error(err)
				}
			})
			check("ours")
			outside(t, "cd "+inner+"; "+tt.theirs)
			check("theirs")
		})
	}
}

// outside runs a script in another process.
func outside(t testing.TB, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}
