package audit

import (
	"encoding/json"
	"time"
	"unicode/utf8"
)

// What an Entry is about.
const (
	Login     = "login"     // a session was opened
	Refused   = "refused"   // a login was refused
	Logout    = "logout"    // a session has ended
	Operation = "operation" // on a file
)

// OK is the Result of what was done.
const OK = "ok"

// Entry is one line. What is not known or does not apply is left out.
type Entry struct {
	Time      time.Time `json:"time"` // RFC 3339, in nanoseconds
	Event     string    `json:"event"`
	Account   string    `json:"account,omitempty"`
	Session   uint64    `json:"session,omitempty"`
	Protocol  string    `json:"protocol,omitempty"`
	Source    string    `json:"source,omitempty"` // the client's address
	Method    string    `json:"method,omitempty"`
	PID       int       `json:"pid,omitempty"` // of what asked, where it is of no session
	UID       *uint32   `json:"uid,omitempty"` // likewise
	Operation string    `json:"operation,omitempty"`
	Path      string    `json:"vpath,omitempty"`
	To        string    `json:"to,omitempty"` // the new path, or a symlink's text
	Result    string    `json:"result"`       // "ok", why it was refused, or the error
	Rule      string    `json:"rule,omitempty"`
	At        string    `json:"at,omitempty"` // where the rule is written

	// Of names that are no UTF-8 the bytes, in base64.
	PathBytes []byte `json:"vpath_bytes,omitempty"`
	ToBytes   []byte `json:"to_bytes,omitempty"`

	// Count is how many refusals, or lost entries, the line stands for.
	Count int `json:"count,omitempty"`
}

// appendLine appends e as one line. JSON escapes what could break it.
func (e *Entry) appendLine(to []byte) ([]byte, error) {
	if !utf8.ValidString(e.Path) {
		e.PathBytes = []byte(e.Path)
	}
	if !utf8.ValidString(e.To) {
		e.ToBytes = []byte(e.To)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return to, err
	}
	return append(append(to, text...), '\n'), nil
}
