package bench

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// settings say how much is measured; see options.
type settings struct {
	quick  bool           // small sizes, one round: does everything work?
	rounds int            // counted rounds
	only   *regexp.Regexp // workloads to measure
	spell  time.Duration  // how long a workload without an end is measured
}

// options reads BENCH_QUICK, BENCH_ROUNDS and BENCH_ROWS.
func options() (settings, error) {
	opt := settings{rounds: 5, spell: 300 * time.Millisecond, only: regexp.MustCompile("")}
	if os.Getenv("BENCH_QUICK") != "" {
		opt = settings{quick: true, rounds: 1, spell: 20 * time.Millisecond, only: opt.only}
	}
	var err error
	if v := os.Getenv("BENCH_ROUNDS"); v != "" {
		if opt.rounds, err = strconv.Atoi(v); err != nil || opt.rounds < 1 {
			return opt, fmt.Errorf("BENCH_ROUNDS=%s: want a number of rounds", v)
		}
	}
	if v := os.Getenv("BENCH_ROWS"); v != "" {
		if opt.only, err = regexp.Compile(v); err != nil {
			return opt, fmt.Errorf("BENCH_ROWS: %w", err)
		}
	}
	return opt, nil
}

// size returns full, or little in a quick run.
func (s settings) size(full, little int) int {
	if s.quick {
		return little
	}
	return full
}
