package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"
)

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && termios(f, syscall.TCGETS, new(syscall.Termios)) == nil
}

// noEcho makes a terminal not show what is typed, until the function that it
// returns is called; that is nil for anything but a terminal.
func noEcho(f *os.File) (restore func() error, err error) {
	var before syscall.Termios
	if err := termios(f, syscall.TCGETS, &before); err != nil {
		if errors.Is(err, syscall.ENOTTY) || errors.Is(err, syscall.EINVAL) {
			return nil, nil
		}
		return nil, fmt.Errorf("look at the terminal: %w", err)
	}
	quiet := before
	quiet.Lflag &^= syscall.ECHO
	if err := termios(f, syscall.TCSETS, &quiet); err != nil {
		return nil, fmt.Errorf("make the terminal quiet: %w", err)
	}
	return func() error { return termios(f, syscall.TCSETS, &before) }, nil
}

func termios(f *os.File, request uintptr, t *syscall.Termios) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(t)))
	if errno != 0 {
		return errno
	}
	return nil
}
