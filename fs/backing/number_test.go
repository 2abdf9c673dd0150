package backing

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpenHandleOfUsedNumber: a removed directory is stale, also at the moment
// when another one is made with its inode number.
func TestOpenHandleOfUsedNumber(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join("/dev/shm", "grantfs-backing-"+filepath.Base(dir))
	t.Cleanup(func() { os.Remove(image) })
	if out, err := exec.Command("sh", "-ec", "truncate -s 64M "+image+"; mkfs.ext4 -q -F "+image+"; mount -o loop "+image+" "+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	root, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	name := filepath.Join(dir, "d")
	remake := func() error {
		if err := os.Mkdir(name, 0o700); err != nil {
			return err
		}
		return os.Remove(name)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	h, e := HandleFD(int(d.Fd()))
	d.Close()
	if e != 0 {
		t.Fatal(e)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	var making sync.WaitGroup
	making.Go(func() {
		for range 20_000 {
			if err := remake(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer making.Wait()
	for range 50_000 {
		if fd, e := openHandle(int(root.Fd()), h, unix.O_PATH); e != syscall.ESTALE {
			t.Errorf("it opens as %d, %v", fd, e)
			return
		}
	}
}
