package status

import (
	"fmt"
	"strings"
	"time"
)

// bytesUnits are those of the configuration: powers of 1024.
var bytesUnits = [...]string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// Amount is a number of the quota's resource for people.
func (q Quota) Amount(n int64) string {
	if q.Resource != "bytes" {
		return grouped(uint64(max(n, 0)))
	}
	v, unit := float64(n), 0
	for v >= 1024 && unit < len(bytesUnits)-1 {
		v /= 1024
		unit++
	}
	if unit == 0 || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, bytesUnits[unit])
	}
	return fmt.Sprintf("%.1f %s", v, bytesUnits[unit])
}

// Percent is the share as people read it: 100 only where nothing is left.
func (q Quota) Percent() int { return int(q.Share * 100) }

// grouped writes a number with a thin gap between thousands.
func grouped(n uint64) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// span is how long something has lasted, in its two largest units.
func span(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
