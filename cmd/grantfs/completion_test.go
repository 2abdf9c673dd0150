package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestCompletion has a real shell complete command lines.
func TestCompletion(t *testing.T) {
	script, _, code := grantfs(t, "completion", "bash")
	if code != exitOK {
		t.Fatalf("completion bash = %d", code)
	}
	for _, tt := range []struct {
		line []string // what is typed, the last word is to be completed
		want string
	}{
		{[]string{"grantfs", "eff"}, "effective"},
		{[]string{"grantfs", "render", "v"}, "vsftpd"},
		{[]string{"grantfs", "quota", "--c"}, "--config"},
		{[]string{"grantfs", "help", "kic"}, "kick"},
		{[]string{"grantfs", "compl"}, ""},
	} {
		cmd := exec.Command("bash", append([]string{"-euc", script + `COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _grantfs || true; echo "${COMPREPLY[*]}"`, "bash"}, tt.line...)...)
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
			t.Errorf("%q becomes %q, %v; want %q", tt.line, got, err, tt.want)
		}
	}
	for shell, offer := range map[string]string{"zsh": "'%s:", "fish": "-a %s -d"} {
		script, _, code := grantfs(t, "completion", shell)
		for _, c := range commands() {
			if code != exitOK || strings.Contains(script, fmt.Sprintf(offer, c.name)) == c.hidden {
				t.Errorf("completion %s = %d, about %s:\n%s", shell, code, c.name, script)
			}
		}
	}
	if _, _, code := grantfs(t, "completion", "csh"); code != exitUsage {
		t.Errorf("completion csh = %d", code)
	}
}
