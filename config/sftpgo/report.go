package sftpgo

import "fmt"

// Effect says what became of something in a dump.
type Effect string

// The effects of a Finding.
const (
	EffectLost     Effect = "lost"     // not carried
	EffectChanged  Effect = "changed"  // carried, but it means something else here
	EffectDisabled Effect = "disabled" // the account is written with enabled = false
)

// Finding is one thing that is not as it was in SFTPGo. Key is SFTPGo's name of
// the setting, as a path within the object; Why is for the admin to read and
// never holds a secret.
type Finding struct {
	Where  string `json:"where"` // "user NAME", "group NAME", "folder NAME" or "dump"
	Key    string `json:"key"`
	Effect Effect `json:"effect"`
	Why    string `json:"why"`
}

// String returns the line that "grantfs import sftpgo" prints for f.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", f.Where, f.Key, f.Effect, f.Why)
}

// Report says what Import carried and what it could not.
type Report struct {
	Accounts int       `json:"accounts"` // that are in the TOML
	Disabled int       `json:"disabled"` // of these, disabled by the import
	Groups   int       `json:"groups"`
	Folders  int       `json:"folders"`
	Findings []Finding `json:"findings"`
}

// theDump is where a finding is that belongs to no single object.
const theDump = "dump"

func (im *importer) find(where, key string, effect Effect, format string, args ...any) {
	f := Finding{Where: oneLine(where), Key: oneLine(key), Effect: effect, Why: oneLine(fmt.Sprintf(format, args...))}
	if !im.found[f] {
		im.found[f] = true
		im.findings = append(im.findings, f)
	}
}

// lost reports what is not carried and restricts nobody.
func (im *importer) lost(b *block, key, format string, args ...any) {
	im.find(b.where, key, EffectLost, format, args...)
}

// changed reports what means something else here.
func (im *importer) changed(b *block, key, format string, args ...any) {
	im.find(b.where, key, EffectChanged, format, args...)
}

// unsafe reports what is not carried though it restricted: the accounts that it
// restricted are disabled.
func (im *importer) unsafe(b *block, key, format string, args ...any) {
	im.find(b.where, key, EffectLost, format, args...)
	for _, a := range append([]*block{b}, b.members...) {
		if !a.account || a.disabled {
			continue
		}
		a.disabled = true
		from := ""
		if a != b {
			from = " of " + b.where
		}
		im.find(a.where, "status", EffectDisabled, "without %s%s it could do more than in SFTPGo; look at it, then remove enabled = false", key, from)
	}
}
