package main

import (
	"bytes"
	"context"
	"time"
)

// transfersPeriod is how often what accounts have transferred is written down,
// where it changed: so much of it may be lost when the daemon is killed.
const transfersPeriod = 5 * time.Second

// keepTransfers writes the transfer counters down until ctx ends. The last time is
// close's.
func (d *daemon) keepTransfers(ctx context.Context) error {
	period := time.NewTicker(transfersPeriod)
	defer period.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-period.C:
			d.saveTransfers()
		}
	}
}

// saveTransfers writes the transfer counters down if they changed. Called by one
// goroutine at a time.
func (d *daemon) saveTransfers() {
	now := d.fs.Transfers().Snapshot()
	if bytes.Equal(now, d.saved) {
		return
	}
	if err := d.store.SetTransfers(now); err != nil {
		d.log.Error("write down what accounts have transferred", "error", err)
		return
	}
	d.saved = now
}
