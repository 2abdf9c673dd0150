package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// protect makes this process the last to be killed when memory is short, and
// returns what it was before, "" where that can't be changed.
func protect(log *slog.Logger) (before string) {
	old, err := os.ReadFile(oomScoreFile)
	if err == nil {
		err = setOOMScore("-1000")
	}
	if err != nil {
		log.Warn("the keeper is killed like any other process when memory is short", "error", err)
		return ""
	}
	return strings.TrimSpace(string(old))
}

const oomScoreFile = "/proc/self/oom_score_adj"

func setOOMScore(score string) error {
	if score == "" {
		return nil
	}
	if err := os.WriteFile(oomScoreFile, []byte(score), 0); err != nil {
		return fmt.Errorf("say how dispensable this process is: %w", err)
	}
	return nil
}

// oomKills returns how many processes of our control group were killed because
// memory was short; 0 where nobody counts them. root is "/" but for tests.
func oomKills(root string) int {
	groups, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var file string
		switch parts[1] {
		case "": // version 2
			file = filepath.Join("sys/fs/cgroup", parts[2], "memory.events")
		case "memory":
			file = filepath.Join("sys/fs/cgroup/memory", parts[2], "memory.oom_control")
		}
		text, _ := os.ReadFile(filepath.Join(root, file)) // a directory is read as nothing
		for line := range strings.Lines(string(text)) {
			if text, ok := strings.CutPrefix(line, "oom_kill "); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(text))
				return n
			}
		}
	}
	return 0
}
