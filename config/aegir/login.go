package aegir

import (
	"fmt"
	"sort"
	"strings"

	"grantfs/policy"
)

const (
	maxLogin  = 32 // product.md §3
	mainLogin = "ftp"
)

// reserved are the logins of an instance that no client can have: BOA's own
// users have them (product.md §11).
var reserved = map[string]bool{mainLogin: true, "web": true, "admin": true}

// loginOf returns the login of a client of an instance: lower-cased, without
// anything outside [a-z0-9] (product.md §11).
func loginOf(instance, client string) string {
	return instance + "." + loginPart(client)
}

func loginPart(client string) string {
	var b strings.Builder
	for _, c := range []byte(client) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if isDigit(c) || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isLogin reports whether s can be the name of an account.
func isLogin(s string) bool { return policy.AccountNameProblem(s) == "" }

// owner is a client of an instance, with what its sites say about it.
type owner struct {
	client   string
	login    string     // the login that its name makes
	refused  string     // why it gets no account, empty if it may have one
	attached bool       // has an enabled site whose directory is there
	at       policy.Pos // the alias of its first site
}

// owners returns the clients of the instance's sites by name, sorted. Two
// clients whose names make one login must never share it: the one called
// exactly so keeps it. Clients without an enabled site count here too, else a
// login would change hands, with its password, when a site is switched off.
func (in Instance) owners() []owner {
	byClient := map[string]*owner{}
	byLogin := map[string][]*owner{}
	for _, s := range in.Sites {
		if s.Client == "" {
			continue
		}
		o := byClient[s.Client]
		if o == nil {
			o = &owner{client: s.Client, login: loginOf(in.Name, s.Client), at: s.At}
			o.refused = o.unfit()
			byClient[s.Client] = o
			byLogin[o.login] = append(byLogin[o.login], o)
		}
		o.attached = o.attached || s.Enabled && !s.Barred && !s.Missing
	}
	for _, same := range byLogin {
		for _, o := range same {
			if len(same) > 1 && o.refused == "" && o.client != loginPart(o.client) {
				o.refused = collision(o, same)
			}
		}
	}
	list := make([]owner, 0, len(byClient))
	for _, o := range byClient {
		list = append(list, *o)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].client < list[j].client })
	return list
}

// unfit says why the client's name makes no login, empty if it does. The name
// itself is checked too, because %client% puts it into paths.
func (o *owner) unfit() string {
	part := loginPart(o.client)
	switch {
	case !isClientDir(o.client) || strings.ContainsFunc(o.client, awkward):
		return "its name can't be a directory's name"
	case part == "":
		return "its name has neither letters nor digits"
	case reserved[part]:
		return fmt.Sprintf("the login %s is reserved", o.login)
	case len(o.login) > maxLogin:
		return fmt.Sprintf("the login %s is longer than %d characters", o.login, maxLogin)
	case !isLogin(o.login):
		return fmt.Sprintf("%q can't be a login", o.login)
	}
	return ""
}

// awkward reports whether r means something in a path of the policy (a
// placeholder, a glob) or in a terminal.
func awkward(r rune) bool {
	return r < ' ' || r == 0x7f || strings.ContainsRune(`%*?[]{}\`, r)
}

// collision says whom else the login of o would belong to.
func collision(o *owner, same []*owner) string {
	var others []string
	for _, other := range same {
		if other != o {
			others = append(others, fmt.Sprintf("%q", other.client))
		}
	}
	sort.Strings(others)
	return fmt.Sprintf("the login %s would also be that of %s", o.login, strings.Join(others, ", "))
}

// Refused says why clients get no account, by the login that their name makes. A
// nil Snapshot refuses nobody.
func (s *Snapshot) Refused() map[string]string {
	why := map[string]string{}
	if s == nil {
		return why
	}
	for _, inst := range s.Instances {
		kept := map[string]bool{}
		for _, o := range inst.owners() {
			if o.refused == "" {
				kept[o.login] = true
				delete(why, o.login)
			} else if !kept[o.login] {
				why[o.login] = o.refused
			}
		}
	}
	return why
}
