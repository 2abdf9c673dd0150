package policy_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"grantfs/policy"
)

// answer answers "ACCOUNT VERB PATH…".
func (s *spec) answer(d decision) string {
	v, ok := s.set.View(d.question[0])
	if !ok {
		return "no such account"
	}
	args := d.question[2:]
	switch what := d.question[1]; what {
	case "effective":
		return effective(v, args)
	case "login":
		return login(s.t, v, args)
	case "bandwidth":
		b := v.Effective().BandwidthFor(netip.MustParseAddr(args[0]))
		return fmt.Sprintf("= %s %s", limitText(b.Upload), limitText(b.Download))
	case "transfer":
		b := v.Effective().TransferFor(netip.MustParseAddr(args[0]))
		return fmt.Sprintf("= %s %s %s", limitText(b.Upload), limitText(b.Download), limitText(b.Total))
	case "inside":
		return "= " + mountName(v.At(args[0]))
	case "shows":
		dir, t := target(args[0], policy.TypeFile)
		return fmt.Sprintf("= %t", v.At(dir).Visible(t))
	default:
		answer := s.judge(v, what, args)
		said := explained(v, what, args)
		switch {
		case said == "", strings.HasPrefix(answer, "allow") && strings.Contains(said, " synthetic ") && v.At(path.Dir(args[0])).Mount() != nil:
			return answer // explain does not take a real directory to be there
		case verdictOf(said) != verdictOf(answer):
			return answer + ", but explain says " + said
		}
		return said
	}
}

// verdictOf returns an answer without its origin: explain knows more of them than
// the verdict of a request needs.
func verdictOf(answer string) string {
	return answer[:strings.LastIndex(answer, " ")]
}

// explained returns what explain says to the same question, "" where it can't be
// asked so: it does not know the disk.
func explained(v *policy.View, what string, args []string) string {
	q := policy.Question{Verb: what}
	for i, arg := range args {
		name, kind, typed := strings.Cut(arg, ":")
		_, t := target(arg, policy.TypeNone)
		switch {
		case typed && (i > 0 || strings.Contains(kind, ":")), what == "rename_symlinks":
			return ""
		case i > 0:
			q.To = name
		default:
			q.Path, q.Type = name, t.Type
		}
	}
	e, err := v.Explain(q)
	switch {
	case err != nil:
		return err.Error()
	case e.Allowed():
		return "allow " + e.Rule.Origin
	case e.Rule == nil:
		return fmt.Sprintf("deny %s %s -", e.Reason, errnos[e.Class])
	}
	return fmt.Sprintf("deny %s %s %s", e.Reason, errnos[e.Class], e.Rule.Origin)
}

func mountName(p *policy.Place) string {
	switch {
	case p.Mount() == nil:
		return "-"
	case p.Synthetic():
		return p.Mount().Name + " synthetic"
	}
	return p.Mount().Name
}

// permissions are the operations that each verb is about, and on what.
var permissions = map[string]struct {
	op   policy.Op
	kind policy.FileType
}{
	"download": {policy.OpOpenRead, policy.TypeFile}, "upload": {policy.OpCreate, policy.TypeNone}, "overwrite": {policy.OpOpenWrite, policy.TypeFile},
	"delete_files": {policy.OpUnlink, policy.TypeFile}, "delete_dirs": {policy.OpRmdir, policy.TypeDir},
	"create_dirs": {policy.OpMkdir, policy.TypeNone}, "create_symlinks": {policy.OpSymlink, policy.TypeNone},
	"chmod": {policy.OpChmod, policy.TypeFile}, "chown": {policy.OpChown, policy.TypeFile}, "chtimes": {policy.OpUtimes, policy.TypeFile},
}

func (s *spec) judge(v *policy.View, what string, args []string) string {
	switch what {
	case "delete", "rename":
		// A bare verb needs both halves.
		if answer := s.judge(v, what+"_files", args); !strings.HasPrefix(answer, "allow") {
			return answer
		}
		return s.judge(v, what+"_dirs", args)
	case "list", "readdir":
		p := v.At(args[0])
		return verdict(p, p.Check(policy.OpReaddir, policy.Target{}))
	case "rename_files", "rename_dirs", "rename_symlinks":
		kind := map[string]policy.FileType{"rename_files": policy.TypeFile, "rename_dirs": policy.TypeDir, "rename_symlinks": policy.TypeSymlink}[what]
		from, a := target(args[0], kind)
		to, b := target(args[1], policy.TypeNone)
		return verdict(v.At(from), v.At(from).CheckRename(a, v.At(to), b))
	case "copy":
		from, a := target(args[0], policy.TypeFile)
		to, b := target(args[1], policy.TypeNone)
		if answer := v.At(from).Check(policy.OpCopy, a); !answer.Allowed() {
			return verdict(v.At(from), answer)
		}
		op := policy.OpCreate
		if b.Type != policy.TypeNone {
			op = policy.OpOpenWrite
		}
		return verdict(v.At(to), v.At(to).Check(op, b))
	}
	op, kind := permissions[what].op, permissions[what].kind
	for _, o := range policy.Ops() {
		if o.String() == what {
			op, kind = o, policy.TypeFile
		}
	}
	if op == policy.OpNone {
		s.t.Fatalf("no verb %q", what)
	}
	dir, t := target(args[0], kind)
	return verdict(v.At(dir), v.At(dir).Check(op, t))
}

var errnos = map[policy.Class]string{
	policy.ClassRefused: "EACCES", policy.ClassHidden: "ENOENT", policy.ClassBusy: "EBUSY",
	policy.ClassCross: "EXDEV", policy.ClassNotOwner: "EPERM", policy.ClassUnsupported: "EOPNOTSUPP",
}

// verdict says "allow ORIGIN" or "deny REASON ERROR ORIGIN"; the origin is that of
// the permission or of what refused, "-" for none.
func verdict(p *policy.Place, v policy.Verdict) string {
	if v.Allowed() {
		return "allow " + p.Rule().Origin
	}
	origin := "-"
	if v.Rule != nil {
		origin = v.Rule.Origin
	}
	return fmt.Sprintf("deny %s %s %s", v.Reason, errnos[v.Class], origin)
}

// target reads "/dir/name[:type[:octal]]".
func target(text string, kind policy.FileType) (dir string, t policy.Target) {
	name, rest, typed := strings.Cut(text, ":")
	word, mode, _ := strings.Cut(rest, ":")
	if typed {
		kind = map[string]policy.FileType{"none": policy.TypeNone, "file": policy.TypeFile, "dir": policy.TypeDir, "symlink": policy.TypeSymlink}[word]
	}
	perm, _ := strconv.ParseUint(mode, 8, 32)
	return path.Dir(name), policy.Target{Name: path.Base(name), Type: kind, Perm: uint32(perm)}
}

// effective answers "KEY[:PATH]" with "= VALUE ORIGIN", of a list with "= VALUES
// ORIGINS", comma-separated. A table is its JSON.
func effective(v *policy.View, args []string) string {
	key, at, _ := strings.Cut(args[0], ":")
	for _, e := range v.Effective().Settings() {
		if e.Key != key {
			continue
		}
		var shown, origins []string
		for _, value := range e.Values {
			if at != "" && value.Path != at {
				continue
			}
			text := fmt.Sprint(value.Value)
			if value.Value == nil {
				text = "-"
			} else if data, err := json.Marshal(value.Value); err == nil && strings.ContainsAny(string(data[:1]), "{[") {
				text = string(data)
			}
			shown, origins = append(shown, text), append(origins, value.Origin)
		}
		return "= " + strings.Join(shown, ",") + " " + strings.Join(origins, ",")
	}
	return "no such setting"
}

// login answers "PROTOCOL METHOD ADDRESS TIME [tls] [2fa] [open=N] [changed=TIME]".
func login(t *testing.T, v *policy.View, args []string) string {
	a := policy.Attempt{Protocol: args[0], Method: args[1]}
	a.Addr, _ = netip.ParseAddr(args[2])
	now := moment(t, args[3])
	var live []policy.Session
	for _, word := range args[4:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "tls":
			a.TLS = true
		case "2fa":
			a.SecondFactor = true
		case "changed":
			a.PasswordChanged = moment(t, value)
		case "open":
			n, _ := strconv.Atoi(value)
			for range n {
				live = append(live, policy.Session{Account: v.Account()})
			}
		}
	}
	answer := v.Admit(a, now, live)
	if answer.Allowed() {
		return "allow"
	}
	if answer.Origin == "" {
		answer.Origin = "-"
	}
	return fmt.Sprintf("deny %s %s", answer.Reason, answer.Origin)
}

func moment(t *testing.T, text string) time.Time {
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func limitText(l policy.Setting[policy.Limit]) string {
	switch {
	case !l.Set:
		return "-"
	case l.Value.Unlimited:
		return "unlimited"
	}
	return strconv.FormatInt(l.Value.N, 10)
}
