package fs

import (
	"errors"
	"syscall"

	"grantfs/fs/node"
	"grantfs/policy"
)

// errnoOf maps each class of refusal to the errno that OpenSSH and vsftpd show
// best (product.md §5, "Errors").
var errnoOf = [...]syscall.Errno{
	policy.ClassRefused:     syscall.EACCES,
	policy.ClassHidden:      syscall.ENOENT,
	policy.ClassBusy:        syscall.EBUSY,
	policy.ClassCross:       syscall.EXDEV,
	policy.ClassNotOwner:    syscall.EPERM,
	policy.ClassUnsupported: syscall.EOPNOTSUPP,
}

// deny notes why the request is refused and returns its errno.
func (c *call) deny(v policy.Verdict) syscall.Errno {
	if v.Allowed() {
		return 0
	}
	c.verdict = v
	return errnoOf[v.Class]
}

// refuse denies for a reason that lies in the request, not in an entry.
func (c *call) refuse(r policy.Reason, class policy.Class) syscall.Errno {
	return c.deny(policy.Verdict{Reason: r, Class: class})
}

// refErrno is the errno for a node that can't be had.
func refErrno(err error) syscall.Errno {
	switch {
	case errors.Is(err, node.ErrFull):
		return syscall.ENFILE
	case errors.Is(err, node.ErrDeep):
		return syscall.ENAMETOOLONG
	}
	return syscall.ESTALE // the kernel then looks the path up again
}

// absent is the answer for what the view does not hold. It is no refusal: nothing
// was kept from the account.
const absent = syscall.ENOENT
