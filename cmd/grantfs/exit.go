package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Exit codes, as in sysexits.h (product.md §13).
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 64
	exitBadData     = 65
	exitNoAccount   = 67
	exitUnavailable = 69
	exitIO          = 74
	exitPermission  = 77
	exitConfig      = 78

	// exitInterrupted is what a shell makes of a program that SIGINT has ended.
	exitInterrupted = 130
)

// exitError is an error that decides the exit code. A nil Err has been shown
// already.
type exitError struct {
	Code int
	Err  error
}

func (e *exitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

func (e *exitError) Unwrap() error { return e.Err }

// errInterrupted ends a command that Ctrl-C was pressed for. What it has done is
// whole.
var errInterrupted = &exitError{exitInterrupted, errors.New("interrupted")}

// usage returns the error for a command line that can't be read.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// needRoot returns the error of a command that only root can run, nil for root.
func needRoot(verb string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	return &exitError{exitPermission, fmt.Errorf("%s needs root", verb)}
}

// byReason gives err the code for a lack of permission where that is the reason,
// else code.
func byReason(err error, code int) error {
	if errors.Is(err, fs.ErrPermission) {
		code = exitPermission
	}
	return &exitError{code, err}
}

// exitCode returns the code for err and whether there is something to show.
func exitCode(err error) (code int, show bool) {
	var e *exitError
	switch {
	case err == nil:
		return exitOK, false
	case errors.As(err, &e):
		return e.Code, e.Err != nil
	}
	return exitFailure, true
}
