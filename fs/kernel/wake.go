package kernel

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A reader that waits in read(2) has taken no request yet, and leaves when a
// signal interrupts it. The runtime has all its signals restart system calls, so
// that one is made not to for a moment: SIGURG, by which the runtime preempts
// goroutines, and which any thread gets at any time anyway.
const wakeSignal = syscall.SIGURG

// sigaction is what rt_sigaction(2) takes, on the 64-bit architectures.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const saRestart = 0x10000000 // SA_RESTART

// interruptible makes wakeSignal interrupt system calls until restore is called.
func interruptible() (restore func(), err error) {
	var old sigaction
	if err := rtSigaction(nil, &old); err != nil {
		return nil, err
	}
	now := old
	now.flags &^= saRestart
	if err := rtSigaction(&now, nil); err != nil {
		return nil, err
	}
	return func() { _ = rtSigaction(&old, nil) }, nil // what was accepted before
}

func rtSigaction(set, old *sigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(wakeSignal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(sigaction{}.mask), 0, 0)
	if e != 0 {
		return fmt.Errorf("make a signal interrupt system calls: %w", e)
	}
	return nil
}

// interruptReads sends the signal to each thread that is in a read(2) of fd
// (proc_pid_syscall(5)), and to no other.
func interruptReads(fd int) error {
	const tasks = "/proc/self/task"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return fmt.Errorf("look for readers: %w", err)
	}
	reading := fmt.Appendf(nil, "%d %#x ", unix.SYS_READ, fd)
	for _, t := range threads {
		call, err := os.ReadFile(tasks + "/" + t.Name() + "/syscall")
		if err != nil || !bytes.HasPrefix(call, reading) {
			continue // it has ended, or does something else
		}
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("look for readers: %w", err)
		}
		if err := unix.Tgkill(os.Getpid(), tid, wakeSignal); err != nil && err != unix.ESRCH {
			return fmt.Errorf("wake a reader: %w", err)
		}
	}
	return nil
}
