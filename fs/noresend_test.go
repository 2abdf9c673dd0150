package fs_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
)

// TestNoResend: where the kernel can't send requests again (before 6.9), those that
// a process dies with end with an error, and everything else goes on.
func TestNoResend(t *testing.T) {
	for _, tt := range []crash{
		{"create", kernel.OpCreate, madeSteps, writeTo("new", os.O_WRONLY|os.O_CREATE|os.O_EXCL), "", ""},
		{"append", kernel.OpWrite, notedSteps, writeTo("a", os.O_WRONLY|os.O_APPEND), "", ""},
		{"unlink", kernel.OpUnlink, notedSteps, func(root string) error { return unix.Unlink(root + "/a") }, "", ""},
		{"fallocate", kernel.OpFallocate, sizeSteps, at("a", func(fd int) error { return unix.Fallocate(fd, 0, 0, 15) }), "", ""},
	} {
		for _, step := range tt.steps {
			t.Run(tt.name+"/"+step.String(), func(t *testing.T) {
				dir := tree(t, "a", "b", "d/")
				v := startVictims(t, dir, false)
				v.tell.Features.Resend = false
				v.start(step, tt.op)
				root := filepath.Join(v.tell.Point, "alice")
				answer := make(chan error, 1)
				go as(aliceUID, func() { answer <- tt.do(root) })
				if !v.wait() {
					t.Error("the victim was not killed")
				}
				v.start(never, 0)
				want := syscall.EIO
				if step == kernel.StepReplied {
					want = 0
				}
				if err := <-answer; errnoOf(err) != want {
					t.Errorf("the account is told %v, want %v", err, want)
				}
				as(aliceUID, func() {
					if err := os.Mkdir(filepath.Join(root, "later"), 0o755); err != nil {
						t.Errorf("another request: %v", err)
					}
				})
				v.restart()
			})
		}
	}
}
