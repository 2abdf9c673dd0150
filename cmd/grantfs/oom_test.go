package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOOMKills(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"version 2": {
			"proc/self/cgroup": "0::/system.slice/grantfs.service\n",
			"sys/fs/cgroup/system.slice/grantfs.service/memory.events": "low 0\noom 9\noom_kill 3\noom_group_kill 7\n",
		},
		"version 1": {
			"proc/self/cgroup": "8:pids:/\n4:memory:/jobs/a:b\n0::/\n",
			"sys/fs/cgroup/memory/jobs/a:b/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, text := range files {
				path := filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if n := oomKills(root); n != 3 {
				t.Errorf("oomKills = %d, want 3", n)
			}
		})
	}
	if n := oomKills(t.TempDir()); n != 0 {
		t.Errorf("oomKills where nobody counts = %d", n)
	}
}
