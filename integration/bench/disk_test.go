package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Places in the copy of the machine.
const (
	top    = "/srv/bench"
	disk   = top + "/disk"  // the ext4 file system
	data   = disk + "/data" // what every contender shows
	homes  = top + "/homes" // the data once more for each account: what an account has to itself is charged to it alone
	points = top + "/mnt"   // the contenders' mount points
)

// accountUID owns the data and runs the workloads; nobody on the machine has it.
const accountUID = 61001

// makeDisk makes and mounts the ext4 file system. Its image has no name any
// more when it returns, and its loop device goes with the mount: with the copy
// of the machine at the latest.
func makeDisk() error {
	image, err := os.CreateTemp("/dev/shm", "grantfs-bench-")
	if err != nil {
		return fmt.Errorf("make a disk: %w", err)
	}
	defer os.Remove(image.Name())
	defer image.Close()
	if err := image.Truncate(6 << 30); err != nil {
		return fmt.Errorf("make a disk: %w", err)
	}
	if err := os.MkdirAll(disk, 0o755); err != nil {
		return fmt.Errorf("make a disk: %w", err)
	}
	// Everything is initialised now, not in the background while it is measured.
	const now = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
	if err := command("mkfs.ext4", "-q", "-F", "-N", "400000", "-E", now, image.Name()); err != nil {
		return err
	}
	if err := command("mount", "-o", "loop", image.Name(), disk); err != nil {
		return err
	}
	if err := makeOwned(data); err != nil {
		return err
	}
	for _, account := range []string{plain, quota, limited, policed} {
		home := filepath.Join(homes, account)
		if err := os.MkdirAll(home, 0o755); err != nil {
			return fmt.Errorf("make the homes: %w", err)
		}
		if err := command("mount", "--bind", data, home); err != nil {
			return err
		}
	}
	return nil
}

func command(argv ...string) error {
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", argv[0], err, out)
	}
	return nil
}

// makeOwned makes a directory of the account's.
func makeOwned(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chown(dir, accountUID, accountUID)
}

// fixtures are the files that workloads find. They are made when a row first
// needs them.
func (b *bench) fixture(name string) error {
	if b.made[name] {
		return nil
	}
	b.made[name] = true
	b.say("make %s", name)
	dir := filepath.Join(data, name)
	switch name {
	case "big":
		return makeFile(dir, b.size(1<<30, 32<<20))
	case "middle":
		return makeFile(dir, b.size(128<<20, 16<<20))
	case "few":
		return makeFiles(dir, 64, 4096)
	case "small":
		return makeFiles(dir, b.size(2_000, 100), 4096)
	case "ten":
		return makeFiles(dir, b.size(10_000, 500), 0)
	case "many":
		return makeFiles(dir, b.size(200_000, 2_000), 0)
	case "tree":
		for i := range b.size(50, 5) {
			if err := makeFiles(filepath.Join(dir, fmt.Sprintf("dir%02d", i)), b.size(1_000, 100), 0); err != nil {
				return err
			}
		}
		return os.Chown(dir, accountUID, accountUID)
	}
	return makeOwned(dir)
}

// makeFile makes a file with that many bytes in it.
func makeFile(path string, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i * 7 >> 3)
	}
	for range size / len(block) {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return f.Chown(accountUID, accountUID)
}

// makeFiles makes a directory with n files of that many bytes.
func makeFiles(dir string, n, size int) error {
	if err := makeOwned(dir); err != nil {
		return err
	}
	content := make([]byte, size)
	for i := range n {
		p := filepath.Join(dir, fileName(i))
		if err := os.WriteFile(p, content, 0o644); err != nil {
			return err
		}
		if err := os.Lchown(p, accountUID, accountUID); err != nil {
			return err
		}
	}
	return nil
}

func fileName(i int) string { return fmt.Sprintf("file%06d.txt", i) }

// settle writes what is dirty, so that nobody pays for what another has
// written; cold also drops names and inodes from the kernel's caches.
func settle(cold bool) error {
	fd, err := unix.Open(disk, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the disk: %w", err)
	}
	defer unix.Close(fd)
	if _, _, e := unix.Syscall(unix.SYS_SYNCFS, uintptr(fd), 0, 0); e != 0 {
		return fmt.Errorf("sync the disk: %w", e)
	}
	if !cold {
		return nil
	}
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0); err != nil {
		return fmt.Errorf("drop the caches of names: %w", err)
	}
	return nil
}
