package login

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// EndMapped kills the processes of uid that have mapped (mmap(2)) one of the files of
// a device with these inode numbers: what they do to it nobody is asked about. Root's
// are left alone. It returns how many were, without waiting for their end.
func (t *Table) EndMapped(uid uint32, dev uint64, inos map[uint64]bool) (int, error) {
	if uid == 0 {
		return 0, nil
	}
	pids, err := processes()
	var list []int
	for _, pid := range pids {
		if k, err := readKin(pid); err == nil && k.uid == uid && mapped(pid, dev, inos) {
			list = append(list, pid)
		}
	}
	if err == nil {
		err = killOf(uid, list)
	}
	return len(list), err
}

// mapped reports whether a process has one of the files mapped. One that has ended has
// none.
func mapped(pid int, dev uint64, inos map[uint64]bool) bool {
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return false
	}
	defer f.Close()
	device := fmt.Sprintf("%02x:%02x", unix.Major(dev), unix.Minor(dev))
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text()) // proc_pid_maps(5)
		if len(fields) < 5 || fields[3] != device {
			continue
		}
		if ino, err := strconv.ParseUint(fields[4], 10, 64); err == nil && inos[ino] {
			return true
		}
	}
	return false
}
