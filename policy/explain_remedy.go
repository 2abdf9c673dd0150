package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxEdits bounds the search for what would allow something: a rename over
// something in a mount asks for one edit of each kind at both ends.
const maxEdits = 12

// remedy is a set of edits of one account's settings, tried out on a copy.
type remedy struct {
	view *View // of the copy
	// written is the account as the configuration has it.
	written *Account
	a       Account
	list    []edit
}

// edit is one entry of the configuration as it would have to be.
type edit struct {
	key  string // two edits with one key are one edit: the later replaces
	text string
}

// wouldAllow finds edits after which every inquiry is allowed. Each is tried
// out: what it returns does allow it. It edits the account's own settings only,
// at the directory in question, so that it grants nothing elsewhere and to
// nobody else.
func (v *View) wouldAllow(asked []inquiry, f finding) string {
	r := &remedy{a: *v.account, written: v.account}
	r.a.Permissions = slices.Clone(r.a.Permissions)
	r.a.FilePatterns = slices.Clone(r.a.FilePatterns)
	r.a.VirtualFolders = slices.Clone(r.a.VirtualFolders)
	r.view = &View{set: v.set, account: &r.a}
	for range maxEdits {
		e, nothing := r.fix(f, asked)
		if nothing != "" {
			return "nothing: " + nothing
		}
		if !r.add(e) {
			break // it did not help
		}
		a := r.a
		r.view = &View{set: v.set, account: &a}
		if f = r.view.rules().answer(asked); f.Allowed() {
			return r.text()
		}
	}
	if r.copies(asked) {
		return "nothing that can be said in a few lines; copy it instead"
	}
	return "nothing that can be said in a few lines"
}

// copies reports whether what asked would move may be copied there and then
// deleted, without any edit.
func (r *remedy) copies(asked []inquiry) bool {
	for _, q := range asked {
		if q.op != OpRename || q.to == "" {
			return false
		}
		gone := inquiry{op: OpUnlink, kind: q.kind, path: q.path}
		made := inquiry{op: OpCopy, kind: q.kind, path: q.path, to: q.to}
		if q.kind == TypeDir {
			gone.op = OpRmdir
			made = inquiry{op: OpCopy, kind: TypeFile, path: join(q.path, anyName), to: join(q.to, anyName)}
			if !r.rules().answer([]inquiry{{op: OpMkdir, kind: TypeDir, path: q.to}}).Allowed() {
				return false
			}
		}
		if !r.rules().answer([]inquiry{made, gone}).Allowed() {
			return false
		}
	}
	return true
}

// rules are those of the account as the configuration has it.
func (r *remedy) rules() *rules { return (&View{set: r.view.set, account: r.written}).rules() }

// anyName stands for a name that no configuration has.
const anyName = "~any~"

// add notes e; it reports false for an edit that was made before.
func (r *remedy) add(e edit) bool {
	for i, old := range r.list {
		if old == e {
			return false
		}
		if old.key == e.key {
			r.list[i] = e
			return true
		}
	}
	r.list = append(r.list, e)
	return true
}

func (r *remedy) text() string {
	lines := make([]string, len(r.list))
	for i, e := range r.list {
		lines[i] = e.text
	}
	return strings.Join(lines, "\n")
}

// fix changes the account so that f is no longer refused for what it was, or
// says why no setting of an account does that.
func (r *remedy) fix(f finding, asked []inquiry) (e edit, nothing string) {
	at := join(f.dir, f.target.Name)
	switch f.Reason {
	case ReasonNoPermission:
		dir, need := f.dir, f.need
		if f.endDir != "" {
			dir, need = f.endDir, f.endNeed
		}
		if need&^r.view.rules().ceiling != 0 {
			return edit{}, "an anonymous account can only list and download"
		}
		return r.permit(dir, need), ""
	case ReasonMountReadOnly:
		return r.openMount(f)
	case ReasonGainsDownload:
		if f.target.Type == TypeDir {
			return r.permit(at, VerbDownload), ""
		}
		return r.permit(f.dir, VerbDownload), ""
	case ReasonPattern, ReasonHidden:
		return r.openPattern(f)
	case ReasonPreset:
		if f.target.Name == "local.settings.php" && f.need == VerbOverwrite {
			return edit{}, "the site's preset keeps local.settings.php read-only while its mode on disk is not 0660"
		}
		return edit{}, fmt.Sprintf("the site's preset protects %s", at)
	case ReasonMountPoint:
		return edit{}, fmt.Sprintf("%s is a mount point, or one lies below it", at)
	case ReasonSynthetic, ReasonNoSuchPlace:
		if f.unreal {
			return edit{}, fmt.Sprintf("only the view provides %s, as long as %s has no directory there", f.dir, mountTitle(f.place.mount))
		}
		if f.place.credentials != CredentialsNone {
			return edit{}, fmt.Sprintf("%s holds what grantfs keeps, and nothing else can be made there", f.dir)
		}
		if f.Reason == ReasonNoSuchPlace {
			return edit{}, fmt.Sprintf("no home, site or folder of %s holds %s; one mounted there would", r.a.Name, at)
		}
		return edit{}, fmt.Sprintf("only the view provides %s, no directory; a home_dir or a folder mounted there would", synthetic(f))
	case ReasonAcrossMounts:
		nothing = "the two places have different owners, birth rules or buckets"
		if r.copies(asked) {
			nothing += "; copy it, then delete it"
		}
		return edit{}, nothing
	case ReasonFrozen:
		return edit{}, "it is frozen: grantfs thaw " + strings.TrimPrefix(f.Rule.Origin, "frozen:")
	case ReasonNever:
		return edit{}, "it is refused to everybody"
	}
	return edit{}, f.Reason.String()
}

// synthetic returns the directory that only the view provides.
func synthetic(f finding) string {
	if f.place.mount == nil {
		return f.dir
	}
	return join(f.dir, f.target.Name)
}

// permit gives the account an entry at dir itself, with what holds there and
// need.
func (r *remedy) permit(dir string, need Verbs) edit {
	if need == 0 {
		need = VerbList
	}
	place := r.view.At(dir)
	if !utf8.ValidString(dir) {
		// No configuration can hold that name: what is above it can be written.
		for !utf8.ValidString(dir) {
			dir = dir[:max(1, strings.LastIndexByte(dir, '/'))]
		}
	}
	key := literalKey(dir)
	verbs := need
	if place.grant != nil {
		verbs |= place.grant.Verbs
	}
	p := Permission{Path: Setting[string]{Value: key, Set: true}}
	for _, name := range verbs.Names() {
		p.Verbs = append(p.Verbs, Setting[string]{Value: name, Set: true})
	}
	was, where := "", r.under()+"permissions."
	if list := r.written.Permissions; len(list) > 0 {
		where = r.within("permissions", list[0].Path.At)
	}
	if i := slices.IndexFunc(r.a.Permissions, func(p Permission) bool { return r.sameKey(p.Path, key) }); i >= 0 {
		was = instead(r.a.Permissions[i].Path.At)
		p.Path.At = r.a.Permissions[i].Path.At
		r.a.Permissions[i] = p
	} else {
		r.a.Permissions = append(r.a.Permissions, p)
	}
	return edit{
		key:  "permissions " + key,
		text: fmt.Sprintf("%s%s = %s%s", where, tomlString(key), tomlList(verbs.Names()), was),
	}
}

// openPattern gives the account an entry at the directory in question, without
// what denies the name.
func (r *remedy) openPattern(f finding) (e edit, nothing string) {
	dir, name := f.dir, f.target.Name
	by := f.place.pattern
	if f.place.access != accessOpen {
		dir, name, by = r.view.shutAt(f.dir)
	}
	switch {
	case f.Rule != nil && strings.HasPrefix(f.Rule.Origin, "preset:"):
		return e, fmt.Sprintf("the site's preset hides %s", join(f.dir, f.target.Name))
	case f.Rule == nil || by == nil:
		return e, fmt.Sprintf("the name %s is reserved", join(f.dir, f.target.Name))
	case !utf8.ValidString(join(dir, name)):
		return e, "no configuration can hold a name that is not UTF-8"
	}
	p := r.view.patternOf(by).without(name)
	key := literalKey(dir)
	entry := FilePatterns{Path: Setting[string]{Value: key, Set: true}, Allowed: written(p.Allowed), Denied: written(p.Denied)}
	fields := []string{"path = " + tomlString(key)}
	if len(p.Allowed) > 0 {
		fields = append(fields, "allowed = "+tomlList(p.Allowed))
	}
	if len(p.Denied) > 0 {
		fields = append(fields, "denied = "+tomlList(p.Denied))
	}
	if p.Hide {
		entry.DenyPolicy = Setting[string]{Value: "hide", Set: true}
		fields = append(fields, `deny_policy = "hide"`)
	}
	was, text := "", "{ "+strings.Join(fields, ", ")+" }"
	if list := r.written.FilePatterns; len(list) > 0 {
		text = r.within("file_patterns", list[0].At) + text
	} else {
		text = r.under() + "file_patterns = [" + text + "]"
	}
	if i := slices.IndexFunc(r.a.FilePatterns, func(p FilePatterns) bool { return r.sameKey(p.Path, key) }); i >= 0 {
		was = instead(r.a.FilePatterns[i].At)
		entry.At = r.a.FilePatterns[i].At
		r.a.FilePatterns[i] = entry
	} else {
		r.a.FilePatterns = append(r.a.FilePatterns, entry)
	}
	return edit{
		key:  "file_patterns " + key,
		text: text + was,
	}, ""
}

// openMount gives the mount in question what it lacks.
func (r *remedy) openMount(f finding) (e edit, nothing string) {
	m := f.place.mount
	if f.need&^f.place.own == 0 {
		m = f.place.Child(f.target.Name).mount
	}
	eff := r.view.Effective()
	i := slices.IndexFunc(eff.VirtualFolders, func(v Virtual) bool { return v.Path == m.Path })
	if i < 0 {
		return e, fmt.Sprintf("%s does not allow it", m.Name)
	}
	v := eff.VirtualFolders[i]
	if v.Entry.Discovered {
		return e, fmt.Sprintf("%s is read-only by design", m.Path)
	}
	entry := *v.Entry
	entry.Path = Setting[string]{Value: m.Path, At: entry.Path.At, Set: true}
	var fields []string
	if m.ReadOnly && f.need&VerbsChange != 0 {
		entry.ReadOnly = Setting[bool]{Set: true}
		fields = append(fields, "read_only = false")
	}
	if written := parseVerbs(entry.Permissions); entry.HasPerms && f.need&^written != 0 {
		names := (written | f.need).Names()
		entry.Permissions = nil
		for _, name := range names {
			entry.Permissions = append(entry.Permissions, Setting[string]{Value: name, Set: true})
		}
		fields = append(fields, "permissions = "+tomlList(names))
	}
	if i := slices.IndexFunc(r.a.VirtualFolders, func(o Mounting) bool { return r.sameKey(o.Path, m.Path) }); i >= 0 {
		r.a.VirtualFolders[i] = entry
	} else {
		r.a.VirtualFolders = append(r.a.VirtualFolders, entry)
	}
	return edit{
		key:  "virtual_folders " + m.Path,
		text: fmt.Sprintf("%sthe virtual_folders entry for %s: %s", heading("in", tableOf(v.Origin), v.At, ", "), tomlString(m.Path), strings.Join(fields, ", ")),
	}, ""
}

// under says into which table a new key belongs.
func (r *remedy) under() string {
	return heading("under", tableOf("account:"+r.written.Name), r.written.At, ": ")
}

// within says into which table or list of the account, which is there, a new
// entry belongs: how it is written decides what may stand beside it.
func (r *remedy) within(key string, at Pos) string {
	return heading("in the "+key+" of", tableOf("account:"+r.written.Name), at, ": ")
}

// sameKey reports whether the path that the account wrote is key.
func (r *remedy) sameKey(p Setting[string], key string) bool {
	clean, err := expandPath(p.Value, &r.a)
	return err == nil && clean == key
}
