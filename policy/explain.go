package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrQuestion is in the chain of every error about a question that can't be
// read: an unknown verb, a bad path, a second path where none belongs. ErrVerb
// is in the chain of those about the verb.
var (
	ErrQuestion = errors.New("bad question")
	ErrVerb     = errors.New("no such verb or operation")
)

// questionError is ErrQuestion that says only what is wrong.
type questionError struct {
	err  error
	verb bool
}

func badQuestion(format string, args ...any) error {
	return &questionError{err: fmt.Errorf(format, args...)}
}

func (e *questionError) Error() string { return e.err.Error() }

func (e *questionError) Unwrap() error { return e.err }

// Is reports whether e is one of the two sentinels.
func (e *questionError) Is(target error) bool {
	return target == ErrQuestion || e.verb && target == ErrVerb
}

// Question asks whether an account may do something (product.md §13).
type Question struct {
	Verb string   // a permission of product.md §5, or the name of an operation
	Path string   // in the view; a trailing slash says that it is a directory
	To   string   // the second path of a rename or a copy, "" for none
	Type FileType // of what is at Path; TypeNone: what Verb is about
}

// Explanation answers a Question: the verdict, the entry that decided, and what
// would allow it. It judges permissions, patterns, presets and the view's
// structure, never the disk.
type Explanation struct {
	Verdict // its Class is how the account sees a refusal
	// Dir is the directory whose rules decided.
	Dir string
	// WouldAllow says what to write into the configuration, a line for each
	// edit, or begins with "nothing" where no edit of the account's rights
	// allows it; "" where it is allowed already.
	WouldAllow string
	// Note says on what the answer depends that policy does not know, "" for
	// nothing: whether a real directory is merged with one that only the view
	// provides.
	Note string
	// Place and ToPlace say where the two paths lie: "home of bob: /srv/homes/bob/x",
	// "folder media: /srv/media/x", "site o1/foo.test: …", or "synthetic" where
	// only the view provides anything. ToPlace is "" for no second path.
	Place, ToPlace string
}

// Explain answers q. The error wraps ErrQuestion.
func (v *View) Explain(q Question) (Explanation, error) {
	asked, err := q.parse()
	if err != nil {
		return Explanation{}, err
	}
	f := v.rules().answer(asked)
	e := Explanation{Verdict: f.Verdict, Dir: f.dir}
	e.Rule = f.named(v)
	e.Place = v.placeOf(asked[0].path)
	if asked[0].to != "" {
		e.ToPlace = v.placeOf(asked[0].to)
	}
	if !f.Allowed() {
		// The kernel looks a name up before it does something to it.
		if look := f.place.Check(OpLookup, f.target); f.how == useObject && f.target.Name != "" && look.Reason == f.Reason {
			e.Class = look.Class
		}
		e.WouldAllow = v.wouldAllow(asked, f)
		e.Note = v.note(asked, f)
	}
	return e, nil
}

// inquiry is one operation of a parsed Question. A bare verb such as "rename"
// is several.
type inquiry struct {
	op   Op
	kind FileType
	path string
	to   string // "" for none
	real bool   // about a view in which every directory that can be merged is
}

// subjects is what each permission is about: the operation that needs it, and
// on what.
var subjects = []struct {
	verb Verbs
	op   Op
	kind FileType
	only bool // about nothing else
}{
	{VerbList, OpReaddir, TypeDir, false},
	{VerbDownload, OpOpenRead, TypeFile, false},
	{VerbUpload, OpCreate, TypeFile, false},
	{VerbOverwrite, OpOpenWrite, TypeFile, false},
	{VerbDeleteFiles, OpUnlink, TypeFile, true},
	{VerbDeleteDirs, OpRmdir, TypeDir, true},
	{VerbRenameFiles, OpRename, TypeFile, true},
	{VerbRenameDirs, OpRename, TypeDir, true},
	{VerbCreateDirs, OpMkdir, TypeDir, true},
	{VerbCreateSymlinks, OpSymlink, TypeSymlink, true},
	{VerbChmod, OpChmod, TypeFile, false},
	{VerbChown, OpChown, TypeFile, false},
	{VerbChtimes, OpUtimes, TypeFile, false},
	{VerbCopy, OpCopy, TypeFile, false},
}

// assumed returns the type that an operation is about. TypeNone: any.
func assumed(op Op) FileType {
	switch op {
	case OpLookup, OpGetattr, OpAccess, OpStatfs:
		return TypeNone
	case OpReaddir, OpMkdir, OpRmdir:
		return TypeDir
	case OpSymlink, OpReadlink:
		return TypeSymlink
	}
	return TypeFile
}

// ParseOp returns the operation called name, as Op.String has it.
func ParseOp(name string) (Op, bool) {
	for op := OpNone + 1; op < opCount; op++ {
		if ops[op].name == name {
			return op, true
		}
	}
	return OpNone, false
}

// CleanPath returns the absolute path p without a trailing slash. The error wraps
// ErrQuestion: p is relative, or has empty components, "." or "..", a NUL byte, or
// more than Linux takes.
func CleanPath(p string) (string, error) {
	clean, err := cleanPath(p)
	if err != nil {
		return "", badQuestion("the path %w", err)
	}
	return clean, nil
}

// parse reads q.
func (q Question) parse() ([]inquiry, error) {
	path, err := CleanPath(q.Path)
	if err != nil {
		return nil, err
	}
	kind := q.Type
	if strings.HasSuffix(q.Path, "/") && path != "/" {
		if kind != TypeNone && kind != TypeDir {
			return nil, badQuestion("%q ends as a directory does", q.Path)
		}
		kind = TypeDir
	}
	to := ""
	if q.To != "" {
		if to, err = CleanPath(q.To); err != nil {
			return nil, err
		}
	}
	list, err := inquiries(q.Verb, kind)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if to != "" && list[i].op != OpRename && list[i].op != OpCopy {
			return nil, badQuestion("only rename and copy have a second path")
		}
		list[i].path, list[i].to = path, to
	}
	return list, nil
}

// inquiries returns the operations that a verb stands for, on something of type
// kind.
func inquiries(verb string, kind FileType) ([]inquiry, error) {
	if name, ok := verbAliases[verb]; ok {
		verb = name
	}
	verbs, isVerb := ParseVerb(verb)
	op, isOp := ParseOp(verb)
	switch {
	case isVerb:
	case isOp:
		if kind == TypeNone {
			kind = assumed(op)
		}
		return []inquiry{{op: op, kind: kind}}, nil
	default:
		return nil, &questionError{err: fmt.Errorf("no verb or operation %q", short(verb)), verb: true}
	}
	var list []inquiry
	for _, s := range subjects {
		if verbs&s.verb == 0 {
			continue
		}
		i := inquiry{op: s.op, kind: s.kind}
		// A link counts as a file where it is removed or moved.
		fits := kind == TypeNone || kind == s.kind || kind == TypeSymlink && s.kind == TypeFile
		switch {
		case s.only && !fits:
			continue
		case kind != TypeNone:
			i.kind = kind
		}
		if s.op == OpReaddir && i.kind != TypeDir {
			i.op = OpReadlink // the only other thing that needs list
		}
		list = append(list, i)
	}
	if list == nil {
		return nil, badQuestion("%s is not about a thing of that type", verb)
	}
	return list, nil
}

// verbAliases are what people call some verbs at a shell or an SFTP prompt.
var verbAliases = map[string]string{
	"stat": "lookup", "get": "download", "put": "upload", "mv": "rename", "rm": "delete", "ls": "list",
}

// AskedVerbs returns the names that people use in a Question: the permissions,
// then the operations that are asked about and not called as one. A Question may
// name any operation, and has aliases for some verbs.
func AskedVerbs() []string {
	list := VerbNames()
	for _, op := range []Op{
		OpLookup, OpReaddir, OpReadlink, OpOpenRead, OpOpenWrite, OpCreate, OpTruncate,
		OpMkdir, OpUnlink, OpRmdir, OpSymlink, OpLink, OpUtimes,
	} {
		list = append(list, op.String())
	}
	return list
}

// VerbAliases returns the other names of some verbs, sorted.
func VerbAliases() []string { return slices.Sorted(maps.Keys(verbAliases)) }
