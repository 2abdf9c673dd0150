package login

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ShadowChanged returns the day on which the password of a user in a shadow file
// was set (shadow(5)), the zero Time if the file does not say.
func ShadowChanged(path, user string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the age of a password: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] != user || len(fields) < 3 {
			continue
		}
		// 0 means that it must be changed at the next login.
		if days, err := strconv.ParseUint(fields[2], 10, 31); err == nil && days > 0 {
			return time.Unix(int64(days)*24*60*60, 0).UTC(), nil
		}
		break
	}
	return time.Time{}, nil
}
