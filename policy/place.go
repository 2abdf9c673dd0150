package policy

// FileType is the type of an existing object.
type FileType uint8

// The types that a view can hold.
const (
	TypeNone FileType = iota // nothing is there
	TypeFile
	TypeDir
	TypeSymlink
)

// Target is what is known of the object that a question is about.
type Target struct {
	Name string
	Type FileType
	Perm uint32 // permission bits on disk, 0 when unknown
}

// Mount is a backing directory placed in a view: immutable. Two views' mounts
// of one folder are two Mounts.
type Mount struct {
	Name       string // "folder:media", "site:o1/shop.example.org", "home"
	Path       string // where it lies in the view
	Source     string // absolute backing directory, placeholders expanded, with the subpath
	Owner      *IDs   // nil: the owner of the source's root
	GroupWrite bool
	ClientMode bool // modes = "client"
	ReadOnly   bool
	UserXattrs bool
	Create     bool // a home that is made when its view is first entered
	CreateMode uint32
	Stores     []Store
	At         Pos
}

// Place is the rules of one directory of a view: what may be done with the
// names in it. Immutable; equal places are the same pointer wherever nothing
// below them differs, so descending allocates nothing.
type Place struct{}

// Mount returns the mount whose backing the directory lies in, nil where only
// the view provides it.
func (p *Place) Mount() *Mount { return nil }

// IsMountRoot reports whether the directory is the root of its mount.
func (p *Place) IsMountRoot() bool { return false }

// Synthetic reports whether the view itself provides the directory (a parent
// of mount points or a reserved name). A synthetic place with a Mount is one
// that a real directory of that mount is merged into, if there is one.
func (p *Place) Synthetic() bool { return false }

// Provided returns the names that the view itself provides in the directory,
// sorted. They are never taken from the backing.
func (p *Place) Provided() []Provided { return nil }

// Provided is a name that the view itself provides.
type Provided struct {
	Name   string
	Listed bool // false: reachable by name only
	Place  *Place
}

// ProvidedName returns the provided entry called name.
func (p *Place) ProvidedName(name string) (Provided, bool) { return Provided{}, false }

// Child returns the rules of the directory called name in p, provided or not.
func (p *Place) Child(name string) *Place { return p }

// Check answers whether op may be done to t, which is in p. For OpReaddir it is
// about the directory p itself and t is ignored. OpRename has its own question.
func (p *Place) Check(op Op, t Target) Verdict { return Verdict{} }

// Visible reports whether a listing of p shows the name.
func (p *Place) Visible(t Target) bool { return true }

// Writable reports whether the account may change t, that is: whether it is
// shown as the account's own (product.md §8).
func (p *Place) Writable(t Target) bool { return false }

// CheckRename answers whether from (which is in p) may be moved to the name to.Name
// in q; to.Type is what is there now.
func (p *Place) CheckRename(from Target, q *Place, to Target) Verdict { return Verdict{} }

// Store returns the store that a link called name leads to in p, which is the
// top level of a site.
func (p *Place) Store(name string) []Store { return nil }
