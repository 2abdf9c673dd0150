package login

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What pam_grantfs.c and the daemon say to each other. A question is one packet:
// fields, each but the last ended by a zero byte, the first of which names this
// version. An answer is one packet of text. It may ask for something first, which
// is one more packet, with a zero byte at its end, and one more answer.
const (
	magic      = "grantfs-pam-2"
	maxPacket  = 64 << 10 // sshd's list of what was proved holds whole public keys
	maxField   = 256      // any other field
	fieldCount = 9
)

// The answers.
const (
	answerOK    = "OK"    // no objection
	answerYes   = "YES"   // PAM need ask nobody else
	answerOther = "OTHER" // no account of ours
	answerNo    = "NO"    // or "NO text for the client"
	askPassword = "ASK"
	askCode     = "ASK Verification code: "
)

// note is what the module says again with the next questions about a login: what
// was found out so far. Other than this process's memory it belongs to the login
// alone, and outlives a restart. It follows OK and YES.
type note struct {
	accepted bool   // the password needs no further judge
	keyed    bool   // for a key stands in its place
	proved   bool   // the password was found right, or accepted
	coded    bool   // and the second factor
	code     string // of the second factor, typed at the end of the password; not judged yet
}

func (n note) String() string {
	text := ""
	for _, f := range []struct {
		on   bool
		name string
	}{{n.accepted, "accepted "}, {n.keyed, "keyed "}, {n.proved, "proved "}, {n.coded, "coded "}} {
		if f.on {
			text += f.name
		}
	}
	return text + n.code
}

// parseNote is the reverse of String.
func parseNote(text string) note {
	var n note
	text, n.accepted = strings.CutPrefix(text, "accepted ")
	text, n.keyed = strings.CutPrefix(text, "keyed ")
	text, n.proved = strings.CutPrefix(text, "proved ")
	n.code, n.coded = strings.CutPrefix(text, "coded ")
	return n
}

// phase is where in PAM a question comes from.
type phase string

const (
	phaseAuth    phase = "auth"    // before the password is looked at
	phaseProved  phase = "proved"  // after it was found right
	phaseAccount phase = "account" // admission
	phaseSession phase = "session" // the connection stays open as long as the session
)

// request is one question.
type request struct {
	phase    phase
	protocol string // as the PAM service says: "SSH", "FTP", or anything
	service  string // PAM_SERVICE
	user     string // PAM_USER, as the client typed it
	rhost    string // PAM_RHOST: an address
	note     note   // what the answers to earlier questions of this login said
	socket   uint64 // inode of the asker's end of the connection
	methods  string // SSH_AUTH_INFO_0: a line for each method that succeeded
}

// parseRequest reads a question. The error says what is wrong with it.
func parseRequest(packet []byte) (request, error) {
	if len(packet) > maxPacket {
		return request{}, fmt.Errorf("a question of more than %d bytes", maxPacket)
	}
	fields := bytes.Split(packet, []byte{0})
	if string(fields[0]) != magic {
		return request{}, errors.New("not a question of this version's PAM module")
	}
	if len(fields) != fieldCount {
		return request{}, fmt.Errorf("%d fields, want %d", len(fields), fieldCount)
	}
	for i, f := range fields[:fieldCount-1] {
		if len(f) > maxField {
			return request{}, fmt.Errorf("field %d is longer than %d bytes", i, maxField)
		}
	}
	inode, err := strconv.ParseUint(string(fields[7]), 10, 64)
	if err != nil {
		return request{}, fmt.Errorf("inode: %w", err)
	}
	r := request{
		phase: phase(fields[1]), protocol: string(fields[2]), service: string(fields[3]), user: string(fields[4]),
		rhost: string(fields[5]), note: parseNote(string(fields[6])), socket: inode, methods: string(fields[8]),
	}
	switch r.phase {
	case phaseAuth, phaseProved, phaseAccount, phaseSession:
		return r, nil
	}
	return request{}, fmt.Errorf("phase %q", r.phase)
}
