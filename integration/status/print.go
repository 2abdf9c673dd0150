package status

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes s for people: a line for each subject, and first what is wrong.
func (s *Status) Print(out io.Writer) error {
	var b strings.Builder
	for _, trouble := range s.Troubles() {
		fmt.Fprintf(&b, "! %s\n", trouble)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("mount", "%s, by worker %d for %s (grantfs %s)", s.Mount, s.Worker.PID, span(s.At.Sub(s.Worker.Started)), s.Version)
	line("kernel", "%s", s.Kernel)
	line("policy", "no. %d, in force since %s", s.Policy.Generation, s.Policy.Since.Local().Format("2006-01-02 15:04:05"))
	line("accounts", "%s, %s locked, %s", grouped(uint64(s.Accounts.Active)), grouped(uint64(s.Accounts.Locked)), plural(s.Sites, "site", "sites"))
	for _, i := range s.Instances {
		line("instance", "%s", i)
	}
	line("sessions", "%s%s", grouped(uint64(s.Sessions.Open)), inBrackets(s.Sessions.Protocols))
	line("restarts", "%s%s", grouped(sum(s.Worker.Restarts)), inBrackets(s.Worker.Restarts))
	line("refused", "%s operations%s", grouped(sum(s.Refused)), inBrackets(s.Refused))
	line("", "%s logins%s", grouped(sum(s.RefusedLogins)), inBrackets(s.RefusedLogins))
	for _, f := range s.Frozen {
		line("frozen", "%s since %s", f.Name, f.Since.Local().Format("2006-01-02 15:04:05"))
	}
	for _, m := range s.Missing {
		line("missing", "%s", m)
	}
	for _, q := range s.Quotas.Nearest {
		if q.Share < nearLimit {
			break
		}
		line("quota", "%s %d %%, %s of %s %s", q.Name, q.Percent(), q.Amount(q.Used), q.Amount(q.Limit), q.Resource)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	return nil
}

// nearLimit is the share from which on a limit is worth a line.
const nearLimit = 0.8

// String says what the kernel can do, in words.
func (k Kernel) String() string {
	word := func(has bool, what string) string {
		if has {
			return what
		}
		return "no " + what
	}
	return word(k.Passthrough, "passthrough") + ", " + word(k.Resend, "resend") + ", " + word(k.IncEpoch, "epochs")
}

func inBrackets(list []Count) string {
	if len(list) == 0 {
		return ""
	}
	var words []string
	for _, c := range list {
		words = append(words, c.Name+" "+grouped(c.N))
	}
	return " (" + strings.Join(words, ", ") + ")"
}

func sum(list []Count) (n uint64) {
	for _, c := range list {
		n += c.N
	}
	return n
}
