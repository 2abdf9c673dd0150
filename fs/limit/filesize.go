package limit

import (
	"errors"

	"grantfs/policy"
)

// ErrTooLarge is the answer to what would make a file larger than
// max_upload_file_size.
var ErrTooLarge = errors.New("file would be larger than max_upload_file_size")

// FileRoom returns how many of the want bytes may be written or copied to offset
// off of a file that is size bytes long: product.md §9, max_upload_file_size.
// None is ErrTooLarge. What a file has already may be rewritten, be it larger
// than the limit. No argument may be negative.
func FileRoom(limit policy.Setting[policy.Limit], size, off, want int64) (int64, error) {
	b := boundOf(limit)
	if !b.limited || want == 0 {
		return want, nil
	}
	if end := max(b.n, size); off < end {
		return min(want, end-off), nil
	}
	return 0, ErrTooLarge
}

// FileSize is FileRoom for what sets the size of a file, as truncate and
// fallocate do: all or nothing, and a file may always become smaller.
func FileSize(limit policy.Setting[policy.Limit], size, to int64) error {
	if b := boundOf(limit); b.limited && to > max(b.n, size) {
		return ErrTooLarge
	}
	return nil
}
