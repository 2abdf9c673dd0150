package fs_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestMaxUploadFileSize: no way to make a file larger than the limit, and every
// way to change one that is larger already.
func TestMaxUploadFileSize(t *testing.T) {
	const most = 1000
	type try struct {
		flags int
		do    func(fd int) (int, error)
		n     int
		want  error
		size  int64
	}
	in, ids, dir := two(t, func(a *policy.Account) { a.MaxUploadFileSize = limited(most) })
	b := make([]byte, 5*most)
	write(t, filepath.Join(dir, "f"), b)
	m := mount(t, in, ids)
	source := openAs(t, aliceUID, filepath.Join(m.point, "alice/f"), unix.O_RDWR)
	for name, test := range map[string]struct {
		size int // before
		try
	}{
		"write":               {0, try{0, func(fd int) (int, error) { return unix.Write(fd, b[:999]) }, 999, nil, 999}},
		"write too much":      {0, try{0, func(fd int) (int, error) { return unix.Write(fd, b) }, most, nil, most}},
		"write at the limit":  {most, try{0, func(fd int) (int, error) { return unix.Pwrite(fd, b[:1], most) }, 0, unix.EFBIG, most}},
		"write far beyond":    {0, try{0, func(fd int) (int, error) { return unix.Pwrite(fd, b[:1], 1<<60) }, 0, unix.EFBIG, 0}},
		"rewrite":             {most, try{0, func(fd int) (int, error) { return unix.Pwrite(fd, b[:most], 0) }, most, nil, most}},
		"rewrite a large one": {2 * most, try{0, func(fd int) (int, error) { return unix.Pwrite(fd, b[:3*most], most) }, most, nil, 2 * most}},
		"append":              {900, try{unix.O_APPEND, func(fd int) (int, error) { return unix.Write(fd, b[:200]) }, 100, nil, most}},
		"append too much":     {most, try{unix.O_APPEND, func(fd int) (int, error) { return unix.Write(fd, b[:1]) }, 0, unix.EFBIG, most}},
		"truncate up":         {0, try{0, func(fd int) (int, error) { return 0, unix.Ftruncate(fd, most) }, 0, nil, most}},
		"truncate beyond":     {0, try{0, func(fd int) (int, error) { return 0, unix.Ftruncate(fd, most+1) }, 0, unix.EFBIG, 0}},
		"truncate down":       {5 * most, try{0, func(fd int) (int, error) { return 0, unix.Ftruncate(fd, 2*most) }, 0, nil, 2 * most}},
		"allocate":            {0, try{0, func(fd int) (int, error) { return 0, unix.Fallocate(fd, 0, 500, 500) }, 0, nil, most}},
		"allocate beyond":     {0, try{0, func(fd int) (int, error) { return 0, unix.Fallocate(fd, 0, 500, 501) }, 0, unix.EFBIG, 0}},
		"zero beyond":         {10, try{0, func(fd int) (int, error) { return 0, unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 0, most+1) }, 0, unix.EFBIG, 10}},
		"punch": {2 * most, try{0, func(fd int) (int, error) {
			return 0, unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 9*most)
		}, 0, nil, 2 * most}},
		"copy": {0, try{0, func(fd int) (int, error) { return unix.CopyFileRange(source, new(int64), fd, nil, 5*most, 0) }, most, nil, most}},
		"copy beyond": {most, try{0, func(fd int) (int, error) {
			off := int64(most)
			return unix.CopyFileRange(source, new(int64), fd, &off, 1, 0)
		}, 0, unix.EFBIG, most}},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, filepath.Join(dir, "x"), b[:test.size])
			var n int
			var err error
			as(aliceUID, func() {
				err = opened(filepath.Join(m.point, "alice/x"), unix.O_RDWR|test.flags, func(fd int) error {
					n, err = test.do(fd)
					return err
				})
			})
			if max(n, 0) != test.n || err != test.want {
				t.Errorf("%d, %v, want %d, %v", n, err, test.n, test.want)
			}
			if size := lstat(t, filepath.Join(dir, "x")).Size; size != test.try.size {
				t.Errorf("the file has %d bytes, want %d", size, test.try.size)
			}
		})
	}
}
