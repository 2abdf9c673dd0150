package aegir

// Kind is the type of a Value.
type Kind uint8

// The kinds that an alias file may hold.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindString
	KindArray
)

// String returns the name of k as it stands in messages.
func (k Kind) String() string {
	switch k {
	case KindNull:
		return "NULL"
	case KindBool:
		return "a boolean"
	case KindInt:
		return "an integer"
	case KindString:
		return "a string"
	}
	return "an array"
}

// Value is one literal of an alias file. Only the field that Kind names is
// meaningful. The zero Value is NULL.
type Value struct {
	Kind    Kind
	Bool    bool
	Int     int64
	Str     string  // bytes as written; PHP strings have no encoding
	Entries []Entry // in the order written, keys unique
}

// Entry is one element of an array. PHP makes no difference between the keys
// 5 and '5', so Key is always text.
type Entry struct {
	Key       string
	Line, Col int // where the element begins; both count from 1, columns in bytes
	Value     Value
}

// Entry returns the element of the array v that is called key.
func (v Value) Entry(key string) (Entry, bool) {
	for _, e := range v.Entries {
		if e.Key == key {
			return e, true
		}
	}
	return Entry{}, false
}

// Alias is one statement `$aliases['NAME'] = array(...);`.
type Alias struct {
	Name      string
	Line, Col int   // where the statement begins
	Value     Value // always an array
}
