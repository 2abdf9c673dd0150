package fs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// TestStatfs: what is free is what the tightest bucket leaves, and no more than the
// file system has beyond what is kept free; files are the tighter of files and inodes.
func TestStatfs(t *testing.T) {
	const much = 1 << 50
	for name, tt := range map[string]struct {
		size, files, inodes int64  // limits; 0: none
		keep                uint64 // of the file system, in thousandths
		dir                 string // in the view
		bytes               int64  // free: less than nothing for what the file system has
		free                int64  // files
	}{
		"no limit":                      {dir: "", bytes: -1, free: -1},
		"bytes":                         {size: 1 << 20, bytes: 1<<20 - 5000, free: -1},
		"bytes, deeper":                 {size: 1 << 20, dir: "d", bytes: 1<<20 - 5000, free: -1},
		"a file":                        {size: 1 << 20, dir: "d/f", bytes: 1<<20 - 5000, free: -1},
		"more than there is":            {size: much, bytes: -1, free: -1},
		"files":                         {files: 10, bytes: -1, free: 9},
		"inodes":                        {inodes: 10, bytes: -1, free: 8},
		"files are tighter":             {files: 5, inodes: 10, bytes: -1, free: 4},
		"inodes are tighter":            {files: 10, inodes: 9, bytes: -1, free: 7},
		"full":                          {size: 5000, files: 1, bytes: 0, free: 0},
		"over the limit":                {size: 10, inodes: 1, bytes: 0, free: 0},
		"all is kept free":              {keep: 1000, bytes: 0, free: -1},
		"all is kept free, and bytes":   {size: 1 << 20, keep: 1000, bytes: 0, free: -1},
		"much is kept free":             {size: 1 << 20, keep: 1, bytes: 1<<20 - 5000, free: -1},
		"little is kept free, no quota": {keep: 1, bytes: -1, free: -1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, "d/")
			if err := os.WriteFile(filepath.Join(dir, "d", "f"), make([]byte, 5000), 0o644); err != nil {
				t.Fatal(err)
			}
			in, ids := home(dir, func(a *policy.Account) {
				for s, n := range map[*policy.Setting[policy.Limit]]int64{&a.QuotaSize: tt.size, &a.QuotaFiles: tt.files, &a.QuotaInodes: tt.inodes} {
					if n > 0 {
						*s = bytesLimit(n)
					}
				}
			})
			m := mountFor(t, in, ids, time.Second, func(o *fs.Options) {
				o.MinFree = func(size uint64) uint64 { return size / 1000 * tt.keep }
			})
			m.count(t, dir)
			var got, disk unix.Statfs_t
			if err := unix.Statfs(dir, &disk); err != nil {
				t.Fatal(err)
			}
			as(aliceUID, func() {
				if err := unix.Statfs(filepath.Join(m.point, "alice", tt.dir), &got); err != nil {
					t.Error(err)
				}
			})
			block := got.Frsize
			switch free := int64(got.Bavail) * block; {
			case tt.bytes >= 0 && free != tt.bytes/block*block:
				t.Errorf("%d bytes are free, want %d", free, tt.bytes)
			case tt.bytes < 0 && (free == 0 || got.Bavail > got.Blocks || got.Blocks != disk.Blocks):
				t.Errorf("%d blocks of %d are free, the disk has %d", got.Bavail, got.Blocks, disk.Blocks)
			}
			if tt.size > 0 && tt.size < much && int64(got.Blocks) != tt.size/block {
				t.Errorf("%d blocks, want those of %d bytes", got.Blocks, tt.size)
			}
			switch {
			case tt.free >= 0 && int64(got.Ffree) != tt.free:
				t.Errorf("%d files are free, want %d", got.Ffree, tt.free)
			case tt.free < 0 && got.Files != disk.Files:
				t.Errorf("%d files, the disk has %d", got.Files, disk.Files)
			}
		})
	}
}
