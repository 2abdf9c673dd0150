package fs_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// BenchmarkSwap replaces the policy of a mounted file system, however many
// accounts it has (gate: 50 ms).
func BenchmarkSwap(b *testing.B) {
	dir := tree(b, "f")
	for _, accounts := range []int{1, 100_000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			in, ids := home(dir, nil)
			for i := range accounts - 1 {
				name := fmt.Sprintf("u%d", i)
				in.Accounts = append(in.Accounts, policy.Account{Name: name, Settings: policy.Settings{HomeDir: set(dir)}})
				ids[name] = policy.IDs{UID: uint32(100_000 + i), GID: 1}
			}
			m := mount(b, in, ids)
			p := fs.Policy{Set: compile(b, in), IDs: ids}
			for b.Loop() {
				if err := m.Swap(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRevoke measures from the swap of the policy to the first refusal of a
// write to a file that was opened before, and the look at the open handles that
// follows (gate: 100 ms).
func BenchmarkRevoke(b *testing.B) {
	for _, accounts := range []int{1, 100_000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			in, ids := home(tree(b, "f"), mediated)
			for i := range accounts - 1 {
				name := fmt.Sprintf("u%d", i)
				in.Accounts = append(in.Accounts, policy.Account{Name: name, Settings: policy.Settings{HomeDir: in.Accounts[0].HomeDir}})
				ids[name] = policy.IDs{UID: uint32(100_000 + i), GID: 1}
			}
			m := mount(b, in, ids)
			all := fs.Policy{Set: compile(b, in), IDs: ids}
			in.Accounts = slices.Clone(in.Accounts) // the first policy keeps its own
			in.Accounts[0].Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list")}}}
			less := fs.Policy{Set: compile(b, in), IDs: ids}
			as(aliceUID, func() {
				fd, err := unix.Open(filepath.Join(m.point, "alice", "f"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					b.Error(err)
					return
				}
				defer unix.Close(fd)
				write := func() error { _, err := unix.Pwrite(fd, []byte("x"), 0); return err }
				for b.Loop() {
					b.StopTimer()
					if err := errors.Join(m.Swap(all), write()); err != nil {
						b.Error(err)
						return
					}
					b.StartTimer()
					if err := m.Swap(less); err != nil {
						b.Error(err)
						return
					}
					for write() == nil {
					}
					if n := len(m.Revoked()); n != 1 {
						b.Errorf("%d handles are revoked, want 1", n)
						return
					}
				}
			})
		})
	}
}

// BenchmarkStat asks for the attributes of one name through the mount.
func BenchmarkStat(b *testing.B) {
	in, ids := home(tree(b, "f"), nil)
	m := mount(b, in, ids)
	as(aliceUID, func() {
		dir, err := unix.Open(filepath.Join(m.point, "alice"), unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			b.Error(err)
			return
		}
		defer unix.Close(dir)
		var st unix.Statx_t
		for b.Loop() {
			if err := unix.Statx(dir, "f", unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &st); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
