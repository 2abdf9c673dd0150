package login

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// What pam_grantfs.c and the daemon say to each other. A question is one packet:
// fields, each but the last ended by a zero byte, the first of which names this
// version. An answer is one packet of text.
const (
	magic      = "grantfs-pam-1"
	maxPacket  = 64 << 10 // sshd's list of what was proved holds whole public keys
	maxField   = 256      // any other field
	fieldCount = 10
)

// The answers.
const (
	answerOK    = "OK"
	answerSplit = "SPLIT" // yes, and the code of the second factor is the end of the password
	answerCode  = "CODE"  // send the code of the second factor: another packet, another answer
	answerOther = "OTHER" // no account of ours
	answerNo    = "NO"    // or "NO text for the client"
)

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
	tty      string // PAM_TTY
	proved   string // "", "password" or "code": what was proved to this PAM handle
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
	inode, err := strconv.ParseUint(string(fields[8]), 10, 64)
	if err != nil {
		return request{}, fmt.Errorf("inode: %w", err)
	}
	r := request{
		phase: phase(fields[1]), protocol: string(fields[2]), service: string(fields[3]), user: string(fields[4]),
		rhost: string(fields[5]), tty: string(fields[6]), proved: string(fields[7]), socket: inode, methods: string(fields[9]),
	}
	switch r.phase {
	case phaseAuth, phaseProved, phaseAccount, phaseSession:
		return r, nil
	}
	return request{}, fmt.Errorf("phase %q", r.phase)
}
