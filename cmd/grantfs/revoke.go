package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"grantfs/fs"
)

const (
	// revokePause is how often it is looked whether what was revoked has ended.
	revokePause = 50 * time.Millisecond
	// revokePatience is how long that may last (product.md §4, decision 8).
	revokePatience = 2 * time.Second
)

// endRevoked ends those who move data past the daemon although the policy does
// not allow it any more, and returns when none is left.
func (d *daemon) endRevoked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, revokePatience)
	defer cancel()
	again := time.NewTicker(revokePause)
	defer again.Stop()
	d.fs.EndRevoked()
	for {
		left := slices.DeleteFunc(d.fs.Revoked(), func(h fs.OpenHandle) bool { return h.Mode != fs.Passthrough })
		if len(left) == 0 {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%d files are open past the policy, one by process %d of %s", len(left), left[0].PID, left[0].Account)
		}
	}
}
