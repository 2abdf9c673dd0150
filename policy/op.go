package policy

// Op is one operation that an account can ask for. The table ops below is the
// only list of them: the funnel of package fs, metric labels, explain, the
// manual and the deny matrix are read from it.
type Op uint8

// The operations, named for their system calls.
const (
	OpNone Op = iota
	OpLookup
	OpGetattr
	OpAccess
	OpReaddir
	OpReadlink
	OpOpenRead
	OpOpenWrite
	OpRead
	OpWrite
	OpCreate
	OpTruncate
	OpFallocate
	OpChmod
	OpChown
	OpUtimes
	OpMkdir
	OpUnlink
	OpRmdir
	OpRename
	OpSymlink
	OpCopy
	OpStatfs
	OpFsync
	OpLseek
	OpRelease
	OpFlush
	OpForget
	OpLink
	OpMknod
	OpTmpfile
	OpGetxattr
	OpListxattr
	OpSetxattr
	OpIoctl
	OpLock
	OpPoll
	opCount
)

// opRow says what one operation is called, what it needs and what it causes.
type opRow struct {
	name    string
	needs   Verbs // any one of these on the directory that holds the object (on the directory itself for readdir)
	charges bool  // may change what a bucket holds
	audited bool
	all     Verbs // every one of these for an object of any kind
	makes   bool  // gives a name to something new
	closes  bool  // ends something: never refused
	never   bool  // refused by design, whatever the permissions (product.md §5)
	class   Class // how, if never
	xattr   bool  // about an extended attribute: never, but in mounts with user_xattrs
}

var ops = [opCount]opRow{
	OpNone:      {name: "none", never: true, class: ClassUnsupported},
	OpLookup:    {name: "lookup", needs: VerbAny},
	OpGetattr:   {name: "getattr", needs: VerbAny},
	OpAccess:    {name: "access", needs: VerbAny},
	OpReaddir:   {name: "readdir", needs: VerbList},
	OpReadlink:  {name: "readlink", needs: VerbList},
	OpOpenRead:  {name: "open-read", needs: VerbDownload},
	OpOpenWrite: {name: "open-write", needs: VerbOverwrite, charges: true, audited: true},
	OpRead:      {name: "read", needs: VerbDownload},
	OpWrite:     {name: "write", needs: VerbOverwrite, charges: true},
	OpCreate:    {name: "create", needs: VerbUpload, charges: true, audited: true, makes: true},
	OpTruncate:  {name: "truncate", needs: VerbOverwrite, charges: true, audited: true},
	OpFallocate: {name: "fallocate", needs: VerbOverwrite, charges: true},
	OpChmod:     {name: "chmod", needs: VerbChmod, audited: true},
	OpChown:     {name: "chown", needs: VerbChown, audited: true},
	OpUtimes:    {name: "utimes", needs: VerbChtimes},
	OpMkdir:     {name: "mkdir", needs: VerbCreateDirs, charges: true, audited: true, makes: true},
	OpUnlink:    {name: "unlink", needs: VerbDeleteFiles, charges: true, audited: true},
	OpRmdir:     {name: "rmdir", needs: VerbDeleteDirs, charges: true, audited: true},
	OpRename:    {name: "rename", needs: VerbRenameFiles | VerbRenameDirs, all: VerbRenameFiles | VerbRenameDirs, charges: true, audited: true},
	OpSymlink:   {name: "symlink", needs: VerbCreateSymlinks, charges: true, audited: true, makes: true},
	OpCopy:      {name: "copy", needs: VerbCopy, all: VerbCopy | VerbDownload, charges: true, audited: true},
	OpStatfs:    {name: "statfs", needs: VerbAny},
	OpFsync:     {name: "fsync", needs: VerbAny},
	OpLseek:     {name: "lseek", needs: VerbAny},
	OpRelease:   {name: "release", needs: VerbAny, closes: true},
	OpFlush:     {name: "flush", needs: VerbAny, closes: true},
	OpForget:    {name: "forget", needs: VerbAny, closes: true},
	OpLink:      {name: "link", never: true, class: ClassUnsupported},
	OpMknod:     {name: "mknod", never: true, class: ClassNotOwner},
	OpTmpfile:   {name: "tmpfile", never: true, class: ClassUnsupported},
	// An attribute is content that hangs on a name: who may read the one may read
	// the other, and its names are a list. Setting stands for removing as well.
	OpGetxattr:  {name: "getxattr", needs: VerbDownload, xattr: true},
	OpListxattr: {name: "listxattr", needs: VerbList, xattr: true},
	OpSetxattr:  {name: "setxattr", needs: VerbOverwrite, audited: true, xattr: true},
	OpIoctl:     {name: "ioctl", never: true, class: ClassUnsupported},
	OpLock:      {name: "lock", never: true, class: ClassUnsupported},
	OpPoll:      {name: "poll", never: true, class: ClassUnsupported},
}

// String returns the name of o, as it stands in metrics and audit lines.
func (o Op) String() string {
	if o >= opCount {
		return "none"
	}
	return ops[o].name
}

// Needs returns the verbs of which any one permits o (product.md §5).
func (o Op) Needs() Verbs { return ops[o].needs }

// Charges reports whether o may change what a bucket holds.
func (o Op) Charges() bool { return ops[o].charges }

// Audited reports whether a successful o is written to the audit log.
func (o Op) Audited() bool { return ops[o].audited }

// Never reports whether o is refused by design, whatever the permissions.
func (o Op) Never() bool { return ops[o].never }

// Ops returns every operation.
func Ops() []Op {
	list := make([]Op, 0, opCount)
	for o := OpNone + 1; o < opCount; o++ {
		list = append(list, o)
	}
	return list
}
