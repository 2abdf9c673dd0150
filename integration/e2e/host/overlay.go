package host

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// stage is where the copy is put together. /sys is on every machine, needs
// nothing of ours below it and holds nobody's sources.
const stage = "/sys"

// empties are the places that start empty and in memory: those that the
// product, the daemons and the fixture write to. Memory (tmpfs) has file
// handles, as the ext4 or XFS of a real host has; an overlay has none.
var empties = []string{"/run", "/data", "/srv", "/var/lib/grantfs"}

// makeCopy turns the mount namespace of this process into a throwaway copy of
// the machine.
func makeCopy() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	points, err := mountPoints(cwd)
	if err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", stage, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", stage, err)
	}
	root := filepath.Join(stage, "root")
	for i, p := range points {
		if err := overlay(p, root, filepath.Join(stage, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	if err := fill(root); err != nil {
		return err
	}
	return enterRoot(root, cwd)
}

// mountPoints returns the mount points of the machine's file systems, each
// after those above it. The kernel's own (proc, sys, dev, run) are left out, and
// so are FUSE mounts unless the working directory cwd is in them: to look at one
// is to wait for its daemon, and to hold one keeps its connection alive.
func mountPoints(cwd string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list the mounts: %w", err)
	}
	defer f.Close()
	points := []string{"/"}
	seen := map[string]bool{"/": true}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields, fsType := strings.Fields(before), strings.Fields(after)
		if len(fields) < 5 || len(fsType) == 0 || seen[fields[4]] {
			continue
		}
		p := fields[4]
		seen[p] = true
		fuse := strings.HasPrefix(fsType[0], "fuse") && !below(cwd, p)
		if fuse || fsType[0] == "autofs" || kernelOwned(p) || strings.ContainsAny(p, `\:,`) {
			continue
		}
		if st, err := os.Stat(p); err != nil || !st.IsDir() {
			continue // a single bound file, or a dead mount: the copy does without
		}
		points = append(points, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list the mounts: %w", err)
	}
	return points, nil
}

func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func kernelOwned(p string) bool {
	for _, dir := range append([]string{"/proc", "/sys", "/dev"}, empties...) {
		if below(p, dir) {
			return true
		}
	}
	return false
}

// overlay shows the file system mounted at point, writable in memory, at the
// same place below root. A file system that no overlay can lie on is shown
// read-only.
func overlay(point, root, scratch string) error {
	target := filepath.Join(root, point)
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	for _, dir := range []string{target, upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("copy %s: %w", point, err)
		}
	}
	st, err := os.Stat(point)
	if err != nil {
		return fmt.Errorf("copy %s: %w", point, err)
	}
	if err := os.Chmod(upper, st.Mode()); err != nil { // the overlay's root shows the upper half's mode
		return fmt.Errorf("copy %s: %w", point, err)
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", point, upper, work)
	err = syscall.Mount("overlay", target, "overlay", 0, options)
	if err == nil {
		return nil
	}
	if point == "/" {
		return fmt.Errorf("overlay /: %w", err)
	}
	if err := syscall.Mount(point, target, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", point, err)
	}
	if err := syscall.Mount("", target, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", point, err)
	}
	return nil
}

// fill mounts what a running host has besides files: devices, processes and
// the empty places.
func fill(root string) error {
	for _, dir := range append([]string{"/proc", "/dev", "/sys"}, empties...) {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	if err := syscall.Mount("/dev", filepath.Join(root, "dev"), "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("bind /dev: %w", err)
	}
	const safe = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC
	if err := syscall.Mount("proc", filepath.Join(root, "proc"), "proc", safe, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := syscall.Mount("sysfs", filepath.Join(root, "sys"), "sysfs", safe|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	for _, dir := range empties {
		if err := syscall.Mount("tmpfs", filepath.Join(root, dir), "tmpfs", 0, "mode=0755"); err != nil {
			return fmt.Errorf("mount a tmpfs on %s: %w", dir, err)
		}
	}
	return nil
}

// enterRoot makes root the root of this namespace and drops the machine's own
// tree from it.
func enterRoot(root, cwd string) error {
	if err := os.Chdir(root); err != nil {
		return fmt.Errorf("enter the copy: %w", err)
	}
	// The old root is stacked on the new one and detached from there: this way
	// no directory is needed to put it.
	if err := syscall.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("enter the copy: pivot_root: %w", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the machine's own tree: %w", err)
	}
	if err := os.Chdir(cwd); err != nil {
		return fmt.Errorf("enter the copy: %w", err)
	}
	return nil
}
