package policy

import "fmt"

// Pos is a place in a configuration file. Line and Col count from 1; the zero
// Pos means that the value was not written anywhere (a default or a discovery
// without a file).
type Pos struct {
	File string
	Line int
	Col  int
}

// IsZero reports whether p names no place.
func (p Pos) IsZero() bool { return p == Pos{} }

// String returns "file:line:column", leaving out what is unknown.
func (p Pos) String() string {
	switch {
	case p.IsZero():
		return "-"
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Severity tells an error, which refuses a configuration, from a warning.
type Severity uint8

// The severities of a Problem.
const (
	SeverityError Severity = iota
	SeverityWarning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Problem is one finding about a configuration.
type Problem struct {
	At       Pos
	Severity Severity
	Text     string
}

// String returns the line that "grantfs check" prints for p.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s: %s", p.At, p.Severity, p.Text)
}

// HasErrors reports whether any of ps is an error.
func HasErrors(ps []Problem) bool {
	for _, p := range ps {
		if p.Severity == SeverityError {
			return true
		}
	}
	return false
}
