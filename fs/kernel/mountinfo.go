package kernel

import (
	"fmt"
	"os"
	"strings"
)

// MountLine is what counts of a line of mountinfo.
type MountLine struct{ Point, Type string }

// Mounts returns the mounts that a file like /proc/self/mountinfo lists, in its order
// (proc_pid_mountinfo(5)).
func Mounts(path string) ([]MountLine, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("list the mounts: %w", err)
	}
	var list []MountLine
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		b, a := strings.Fields(before), strings.Fields(after)
		if len(b) > 4 && len(a) > 0 {
			list = append(list, MountLine{unescape(b[4]), a[0]})
		}
	}
	return list, nil
}

var unescaper = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string { return unescaper.Replace(s) }
