package policy

// Credentials says what a directory of a view holds that lies on no disk: what
// accounts prove themselves with (product.md §10).
type Credentials uint8

// The kinds.
const (
	CredentialsNone      Credentials = iota
	CredentialsPasswords             // "/users" of a main account: a file for each extra account
	CredentialsKeys                  // "/.ssh": the account's own authorized_keys
)

// keysName is the directory of an account's own SSH keys.
const keysName = ".ssh"

// AuthorizedKeys is the name of the one file of CredentialsKeys.
const AuthorizedKeys = "authorized_keys"

// verbsCredentials is what can be done with such files at all. A chmod or utimes,
// which clients like to send after an upload, changes nothing. They are all there
// already, and none can become another.
const verbsCredentials = VerbList | VerbDownload | VerbOverwrite | VerbDeleteFiles | VerbChmod | VerbChtimes

// credentialGrants are the implied permissions of directories of credentials, of
// lowest precedence as those of product.md §5.
var credentialGrants = map[Credentials]*Grant{
	CredentialsPasswords: {Rule: Rule{Origin: OriginDefault, Path: "/" + usersName}, Verbs: verbsCredentials, implied: true},
	CredentialsKeys:      {Rule: Rule{Origin: OriginDefault, Path: "/" + keysName}, Verbs: verbsCredentials, implied: true},
}

// provideCredentials adds a directory of credentials to the view.
func (t *tree) provideCredentials(name string, kind Credentials) {
	n := t.provide("/" + name)
	n.fixed, n.credentials = true, kind
	if n.grant == nil {
		n.grant = credentialGrants[kind]
	}
}

// Credentials returns what the directory holds that lies on no disk.
func (p *Place) Credentials() Credentials { return p.credentials }

// askCredentials is ask in a directory of credentials. File patterns are not
// asked: these names are not the account's to choose.
func (p *Place) askCredentials(need Verbs, how use) Verdict {
	switch {
	case p.access != accessOpen:
		return refuseName(p.shutBy, how, false)
	case how == useLook && p.verbs != 0:
		return Verdict{}
	case how == useLook:
		return Verdict{Reason: ReasonNoPermission, Class: ClassHidden, Rule: p.rule()}
	case how == useName || need&^verbsCredentials != 0:
		return Verdict{Reason: ReasonSynthetic}
	case need&^p.view != 0:
		return Verdict{Reason: ReasonNoPermission, Rule: p.lacking(need)}
	case need&VerbsChange != 0 && p.frozenBy() != nil:
		return Verdict{Reason: ReasonFrozen, Rule: p.frozenBy()}
	}
	return Verdict{}
}
