package manual

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"grantfs/integration/e2e/fixture"
)

const configFile = "/etc/grantfs/grantfs.toml"

// perform prints a chapter as it should be: what its commands print stands below
// them. It runs in a throwaway host, and returns the exit status.
func perform(binary, file string) int {
	text, err := os.ReadFile(file)
	if err == nil {
		_, err = fixture.Build("")
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(configFile), 0o755)
	}
	if err == nil {
		err = os.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH"))
	}
	var out string
	if err == nil {
		out, err = performed(string(text))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
		return 1
	}
	fmt.Print(out)
	return 0
}

func performed(text string) (string, error) {
	var out, block strings.Builder
	kind := ""
	for line := range strings.Lines(text) {
		fence, isFence := strings.CutPrefix(line, "```")
		fence = strings.TrimSpace(fence)
		switch {
		case isFence && kind == "":
			if kind = fence; kind == "" {
				kind = "text"
			}
			block.Reset()
		case isFence:
			body, err := performBlock(kind, block.String())
			if err != nil {
				return "", err
			}
			out.WriteString(body)
			kind = ""
		case kind != "":
			block.WriteString(line)
			continue
		case strings.HasPrefix(line, "## "):
			if err := os.RemoveAll(configFile); err != nil {
				return "", fmt.Errorf("begin %s: %w", line, err)
			}
		}
		out.WriteString(line)
	}
	return out.String(), nil
}

// performBlock returns what should stand in a block.
func performBlock(kind, text string) (string, error) {
	switch kind {
	case "toml":
		if err := os.WriteFile(configFile, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the configuration: %w", err)
		}
		if said, err := shell("grantfs check"); err != nil {
			return "", fmt.Errorf("check says %w of\n%s\n%s", err, text, said)
		}
	case "console":
		var out strings.Builder
		for line := range strings.Lines(text) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				said, _ := shell(command) // how it ended stands in what it says
				out.WriteString(line + said)
			}
		}
		return out.String(), nil
	}
	return text, nil
}

func shell(command string) (string, error) {
	cmd := exec.Command("bash", "-c", command)
	cmd.Dir = filepath.Dir(configFile)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
