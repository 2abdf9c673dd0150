package status

import (
	"fmt"
	"time"
)

// lookPatience is how old the last look at the Aegir hosts may be: there is one each
// minute.
const lookPatience = 5 * time.Minute

func troubles(s *Status) []string {
	var list []string
	say := func(on bool, format string, args ...any) {
		if on {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	say(s.Worker.Errors > 0, "%s in an error of grantfs itself", plural(int(s.Worker.Errors), "request has ended", "requests have ended"))
	say(!s.Policy.Accepted, "the configuration on disk is refused, an older one stays in force: grantfs check")
	say(s.Discovery.Unreadable > 0, "%s can't be understood: grantfs check", plural(s.Discovery.Unreadable, "alias file", "alias files"))
	say(s.Discovery.Problems > 0, "%s refused: grantfs check", plural(s.Discovery.Problems, "alias or site is", "aliases or sites are"))
	say(len(s.Instances) > 0 && s.At.Sub(s.Discovery.Last) > lookPatience, "nobody has looked at the Aegir hosts for %s", s.At.Sub(s.Discovery.Last).Round(time.Minute))
	say(len(s.Missing) > 0, "%s missing", plural(len(s.Missing), "source is", "sources are"))
	say(s.AuditLost > 0, "%s of the audit log could not be written", plural(int(s.AuditLost), "line", "lines"))
	full := 0
	for _, q := range s.Quotas.Nearest {
		if q.Share >= 1 {
			full++
		}
	}
	say(full > 0, "%s used up", plural(full, "limit is", "limits are"))
	return list
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
