package quota

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Checkpoints writes a ledger to a file from time to time. Close it.
type Checkpoints struct {
	ledger *Ledger
	path   string
	log    *slog.Logger
	stop   context.CancelFunc
	done   sync.WaitGroup
	wrote  uint64 // the change that the file goes up to; the owner's goroutine's
}

// Keep begins to write checkpoints of l to path, whenever it changed, every
// period. The first one is written at once, so that the file says from now on
// that there was no orderly end; its error is returned, those of later ones are
// logged and the writing is tried again.
func Keep(l *Ledger, path string, every time.Duration, log *slog.Logger) (*Checkpoints, error) {
	ctx, stop := context.WithCancel(context.Background())
	c := &Checkpoints{ledger: l, path: path, log: log, stop: stop}
	if err := c.write(false); err != nil {
		stop()
		return nil, err
	}
	c.done.Go(func() { c.run(ctx, every) })
	return c, nil
}

func (c *Checkpoints) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.ledger.mu.Lock()
		change := c.ledger.change
		c.ledger.mu.Unlock()
		if change == c.wrote {
			continue
		}
		if err := c.write(false); err != nil {
			c.log.Error("quotas are not kept on disk", "err", err)
		}
	}
}

func (c *Checkpoints) write(clean bool) error {
	list, change := c.ledger.snapshot()
	if err := save(c.path, encode(list, clean)); err != nil {
		return fmt.Errorf("keep quota: %w", err)
	}
	c.wrote = change
	return nil
}

// Close writes the last checkpoint. Nothing may change the ledger any more: what
// it says is taken for exact at the next start.
func (c *Checkpoints) Close() error {
	c.stop()
	c.done.Wait()
	return c.write(true)
}
