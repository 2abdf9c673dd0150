package fs_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestLimitOfOthers: alice has room for 10,000 bytes in a tree that bob reaches
// without any limit of his own. What he writes counts at once, his file still
// open.
func TestLimitOfOthers(t *testing.T) {
	const limit = 10_000
	mounting := func(folder string, size int64) policy.Mounting {
		return policy.Mounting{Folder: set(folder), Path: set("/" + folder), QuotaSize: set(size)}
	}
	for name, tt := range map[string]struct {
		alice func(dir string, a *policy.Account)
		bob   func(dir string) string // the source of his folder, which holds dir
		at    string                  // dir in it
		free  bool                    // the limit is alice's mount's, not the tree's
	}{
		"her home is his folder": {
			alice: func(dir string, a *policy.Account) { a.HomeDir, a.QuotaSize = set(dir), bytesLimit(limit) },
			bob:   func(dir string) string { return dir },
		},
		"her home lies in his folder": {
			alice: func(dir string, a *policy.Account) { a.HomeDir, a.QuotaSize = set(dir), bytesLimit(limit) },
			bob:   filepath.Dir,
			at:    "inner",
		},
		"her folder lies in his": {
			alice: func(_ string, a *policy.Account) { a.VirtualFolders = []policy.Mounting{mounting("hers", limit)} },
			bob:   filepath.Dir,
			at:    "inner",
			free:  true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inner := filepath.Join(tree(t, "inner/"), "inner")
			alice := policy.Account{Name: "alice"}
			tt.alice(inner, &alice)
			bob := policy.Account{Name: "bob"}
			for _, a := range []*policy.Account{&alice, &bob} {
				a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("*")}}}
			}
			bob.VirtualFolders = []policy.Mounting{mounting("his", 0)}
			m := mount(t, policy.Input{
				Accounts: []policy.Account{alice, bob},
				Folders:  []policy.Folder{{Name: "his", Source: set(tt.bob(inner))}, {Name: "hers", Source: set(inner)}},
			}, map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}, "bob": {UID: bobUID, GID: bobUID}})
			m.count(t)
			his := filepath.Join(m.point, "bob/his", tt.at)
			hers := filepath.Join(m.point, "alice")
			if len(alice.VirtualFolders) > 0 {
				hers = filepath.Join(hers, "hers")
			}
			put := func(uid int, dir string, size int) int {
				n := 0
				fd := openAs(t, uid, filepath.Join(dir, "f"+filepath.Base(dir)), unix.O_WRONLY|unix.O_CREAT)
				as(uid, func() { n, _ = unix.Write(fd, make([]byte, size)) })
				return n
			}
			if n := put(bobUID, his, 6_000); n != 6_000 {
				t.Errorf("he writes %d bytes of 6000", n)
			}
			if n := put(aliceUID, hers, limit); n != 4_000 {
				t.Errorf("she writes %d bytes, want the 4000 that he has left", n)
			}
			// A file that is there already is opened without being made.
			fd := openAs(t, bobUID, filepath.Join(his, "f"+filepath.Base(his)), unix.O_WRONLY|unix.O_APPEND)
			as(bobUID, func() {
				if n, err := unix.Write(fd, make([]byte, 10)); (err == nil) != tt.free {
					t.Errorf("he writes %d bytes (%v) more", n, err)
				}
			})
			if got := scan(t, inner).Bytes; !tt.free && got != limit {
				t.Errorf("the tree holds %d bytes, want the %d of the limit", got, limit)
			}
			m.isUsed(t, "source:"+inner, inner)
		})
	}
}
