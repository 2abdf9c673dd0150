package backing

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// noID makes setfsuid(2) and setfsgid(2) return the present id without changing
// it.
const noID = ^uintptr(0)

// as runs make with the file-system ids of an owner, so that what it makes is
// the owner's from the first moment, and with all capabilities kept, so that
// modes on disk do not limit it. It is the calling thread's matter alone
// (credentials(7)).
func as(uid, gid uint32, make func() syscall.Errno) syscall.Errno {
	runtime.LockOSThread()
	defer leave() // also if make panics: the request fails, the thread goes on
	if e := become(uid, gid); e != 0 {
		return e
	}
	return make()
}

// become sets the thread's file-system ids. Changing fsuid from 0 takes the
// capabilities over files away (capabilities(7)): they are raised again.
func become(uid, gid uint32) syscall.Errno {
	unix.Syscall(unix.SYS_SETFSGID, uintptr(gid), 0, 0)
	unix.Syscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
	if fsuid() != uid {
		return syscall.EPERM
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if _, _, e := unix.Syscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0); e != 0 {
		return e
	}
	for i := range data {
		data[i].Effective = data[i].Permitted
	}
	_, _, e := unix.Syscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	return e
}

// leave makes the thread root's again. Should that fail, the thread is never
// used for anything else: it stays locked and ends with its goroutine.
func leave() {
	unix.Syscall(unix.SYS_SETFSUID, 0, 0, 0)
	unix.Syscall(unix.SYS_SETFSGID, 0, 0, 0)
	if fsuid() == 0 {
		runtime.UnlockOSThread()
	}
}

func fsuid() uint32 {
	id, _, _ := unix.Syscall(unix.SYS_SETFSUID, noID, 0, 0)
	return uint32(id)
}
