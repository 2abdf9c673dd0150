package fs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// copied copies a file with copy_file_range(2), as cp does.
func copied(from, to string, size int) error {
	return opened(from, unix.O_RDONLY, func(in int) error {
		return opened(to, unix.O_WRONLY|unix.O_CREAT, func(out int) error {
			for size > 0 {
				n, err := unix.CopyFileRange(in, nil, out, nil, size, 0)
				if err != nil {
					return err
				}
				if n == 0 {
					return fmt.Errorf("%d bytes are missing", size)
				}
				size -= n
			}
			return nil
		})
	})
}

// TestCopy copies where that is permitted, and where only reading and writing is;
// the kernel then does that instead.
func TestCopy(t *testing.T) {
	dir := tree(t, "copy/", "read/", "blind/", "full/", "full/there")
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16) // more than one request copies
	for _, name := range []string{"copy/f", "read/f", "blind/f"} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	verbs := func(list ...string) (all []policy.Setting[string]) {
		for _, v := range list {
			all = append(all, set(v))
		}
		return all
	}
	in, ids := home(dir, func(a *policy.Account) {
		mediated(a)
		a.Permissions = []policy.Permission{
			{Path: set("/read"), Verbs: verbs("download", "upload")},
			{Path: set("/blind"), Verbs: verbs("copy", "upload", "list")},
			{Path: set("/full"), Verbs: verbs("upload", "list")},
		}
	})
	m := mount(t, in, ids)
	for _, tt := range []struct {
		from, to string
		copies   bool // not reads and writes
		want     error
	}{
		{"copy/f", "copy/g", true, nil},
		{"read/f", "copy/h", false, nil},
		{"copy/f", "read/g", true, nil},
		{"blind/f", "copy/i", false, EACCES},
		{"copy/f", "full/there", false, EACCES},
	} {
		m.obs.reset()
		var err error
		as(aliceUID, func() {
			err = copied(filepath.Join(m.point, "alice", tt.from), filepath.Join(m.point, "alice", tt.to), len(content))
		})
		if errnoOf(err) != errnoOf(tt.want) {
			t.Errorf("copy %s to %s: %v, want %v", tt.from, tt.to, err, tt.want)
			continue
		}
		if err != nil {
			continue
		}
		if got := readAll(t, filepath.Join(dir, tt.to)); got != string(content) {
			t.Errorf("%s holds %d bytes, or others", tt.to, len(got))
		}
		if wrote := m.obs.count(policy.OpWrite) > 0; wrote == tt.copies {
			t.Errorf("copy %s to %s: written by the caller: %v", tt.from, tt.to, wrote)
		}
		if reasons := m.obs.take(); len(reasons) != 0 {
			t.Errorf("copy %s to %s: noted as refused for %v", tt.from, tt.to, reasons)
		}
	}
}

// TestAppend: who appends through two views at once overwrites nothing, and
// neither does who sets O_APPEND later.
func TestAppend(t *testing.T) {
	t.Run("passed through", func(t *testing.T) { appendTogether(t, nil) })
	t.Run("mediated", func(t *testing.T) { appendTogether(t, mediated) })
}

func appendTogether(t *testing.T, how func(*policy.Account)) {
	dir := tree(t, "f")
	if err := os.Truncate(filepath.Join(dir, "f"), 0); err != nil {
		t.Fatal(err)
	}
	in, ids := home(dir, how)
	bob := in.Accounts[0]
	bob.Name = "bob"
	in.Accounts = append(in.Accounts, bob)
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)

	const each, size = 400, 100
	line := func(who string, i int) string {
		s := fmt.Sprintf("%s %d ", who, i)
		return s + strings.Repeat("-", size-1-len(s)) + "\n"
	}
	var wg sync.WaitGroup
	appender := func(who string, later bool) {
		flags := unix.O_WRONLY | unix.O_CLOEXEC
		if !later {
			flags |= unix.O_APPEND
		}
		fd, err := unix.Open(filepath.Join(m.point, strings.TrimRight(who, "12"), "f"), flags, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		if later {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
				t.Errorf("F_SETFL: %v", err)
			}
		}
		for i := range each {
			if n, err := unix.Write(fd, []byte(line(who, i))); n != size || err != nil {
				t.Errorf("%s: wrote %d, %v", who, n, err)
			}
		}
	}
	for who, uid := range map[string]int{"alice1": aliceUID, "alice2": aliceUID, "bob1": bobUID, "bob2": bobUID} {
		wg.Go(func() { as(uid, func() { appender(who, strings.HasSuffix(who, "2")) }) })
	}
	wg.Wait()
	got := readAll(t, filepath.Join(dir, "f"))
	seen := map[string]int{}
	for l := range strings.Lines(got) {
		seen[l]++
	}
	for _, who := range []string{"alice1", "alice2", "bob1", "bob2"} {
		for i := range each {
			if n := seen[line(who, i)]; n != 1 {
				t.Fatalf("line %d of %s is there %d times", i, who, n)
			}
		}
	}
	as(aliceUID, func() {
		if st := lstat(t, filepath.Join(m.point, "alice/f")); st.Size != 4*each*size {
			t.Errorf("the view shows %d bytes, want %d", st.Size, 4*each*size)
		}
		if view := readAll(t, filepath.Join(m.point, "alice/f")); view != got {
			t.Error("the view shows other content than the backing")
		}
	})
}
