package main

import (
	"path/filepath"
	"time"
)

// usagePeriod is how often what is used is written down (product.md §9): so much
// of it a crash of the host may lose, until everything is counted again.
const usagePeriod = 5 * time.Second

func (d *daemon) usagePath() string { return filepath.Join(d.config.Mount.State.Value, "usage") }
