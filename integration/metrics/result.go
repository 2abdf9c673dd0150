package metrics

import "syscall"

// Result is how an operation ended, for the label "result".
type Result uint8

// The results.
const (
	ResultOK       Result = iota
	ResultDenied          // EACCES, EPERM: refused
	ResultNotFound        // ENOENT: absent, or hidden
	ResultQuota           // EDQUOT, EFBIG: over a limit
	ResultInvalid         // the request does not fit what is there (EEXIST, ENOTEMPTY, EXDEV …), or is not supported
	ResultError           // anything else: a fault of the backing or of the daemon
	resultCount
)

var resultNames = [resultCount]string{"ok", "denied", "not_found", "quota", "invalid", "error"}

// String returns the value of the label.
func (r Result) String() string {
	if r >= resultCount {
		return "error"
	}
	return resultNames[r]
}

// ResultOf returns the result that errno, the answer to the kernel, stands for.
func ResultOf(errno syscall.Errno) Result {
	switch errno {
	case 0:
		return ResultOK
	case syscall.EACCES, syscall.EPERM:
		return ResultDenied
	case syscall.ENOENT:
		return ResultNotFound
	case syscall.EDQUOT, syscall.EFBIG:
		return ResultQuota
	case syscall.EEXIST, syscall.ENOTEMPTY, syscall.ENOTDIR, syscall.EISDIR, syscall.EXDEV, syscall.EBUSY,
		syscall.EINVAL, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EROFS, syscall.EBADF, syscall.ENXIO,
		syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.ENOTTY, syscall.ENODATA, syscall.ERANGE,
		syscall.EINTR, syscall.EAGAIN:
		return ResultInvalid
	}
	return ResultError
}
