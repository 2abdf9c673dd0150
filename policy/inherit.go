package policy

import "slices"

// Inheritance says what an account takes of a setting from its groups
// (product.md §4).
type Inheritance uint8

// The ways of inheriting.
const (
	InheritsNothing  Inheritance = iota // of keys that only an account or only a group has
	InheritsValue                       // the primary group's where the account has none
	InheritsAlways                      // the primary group's, if it has one
	InheritsPaths                       // per path, from primary and secondary groups
	InheritsElements                    // lists are joined, from primary and secondary groups
)

var inheritanceTexts = [...]string{
	InheritsNothing:  "not inherited",
	InheritsValue:    "the primary group's value where the account has none",
	InheritsAlways:   "the primary group's value, if it has one, in place of the account's",
	InheritsPaths:    "per path: what the primary group, then each secondary group has at a path where there is nothing yet",
	InheritsElements: "the account's, then the primary group's, then each secondary group's, in this order",
}

// Text says what i means, in a line.
func (i Inheritance) Text() string { return inheritanceTexts[i] }

// Inherits returns how accounts inherit the setting called key.
func Inherits(key string) Inheritance {
	for i := range scalars {
		switch s := &scalars[i]; {
		case s.key != key:
		case s.primary == replaces:
			return InheritsAlways
		default:
			return InheritsValue
		}
	}
	switch key {
	case "permissions", "file_patterns", "virtual_folders":
		return InheritsPaths
	}
	if slices.Contains(joinedKeys, key) {
		return InheritsElements
	}
	return InheritsNothing
}

// joinedKeys are the lists that Set.effective joins.
var joinedKeys = []string{
	"bandwidth_limits", "data_transfer_limits", "access_time", "allowed_ip", "denied_ip",
	"denied_login_methods", "denied_protocols", "two_factor_protocols", "web_client",
}

// Default returns the value that holds where nobody wrote the setting called key,
// nil where there is none.
func Default(key string) any {
	for i := range scalars {
		if scalars[i].key == key {
			return scalars[i].unset
		}
	}
	return nil
}
