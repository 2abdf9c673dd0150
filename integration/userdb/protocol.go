package userdb

import (
	"encoding/json"
	"errors"
)

// Service is the name of the service and of its socket. Where there are several on
// one host the others have longer names, with a dot behind this one.
const Service = "io.grantfs"

// The methods and errors of the protocol.
const (
	methodUser        = "io.systemd.UserDatabase.GetUserRecord"
	methodGroup       = "io.systemd.UserDatabase.GetGroupRecord"
	methodMemberships = "io.systemd.UserDatabase.GetMemberships"
	methodInfo        = "org.varlink.service.GetInfo"

	errNoRecord    = "io.systemd.UserDatabase.NoRecordFound"
	errConflicting = "io.systemd.UserDatabase.ConflictingRecordFound"
	errNonMatching = "io.systemd.UserDatabase.NonMatchingRecordFound"
	errBadService  = "io.systemd.UserDatabase.BadService"
	errNoService   = "io.systemd.UserDatabase.ServiceNotAvailable"
	errNoList      = "io.systemd.UserDatabase.EnumerationNotSupported"
	errNoMethod    = "org.varlink.service.MethodNotFound"
	errParameter   = "org.varlink.service.InvalidParameter"
	errWantsMore   = "org.varlink.service.ExpectedMore"
)

// call is one request.
type call struct {
	Method     string          `json:"method"`
	Parameters json.RawMessage `json:"parameters"`
	More       bool            `json:"more"`
	Oneway     bool            `json:"oneway"`
}

// reply is one answer; several answer a call that asked for more.
type reply struct {
	Parameters any    `json:"parameters"`
	Continues  bool   `json:"continues,omitempty"`
	Error      string `json:"error,omitempty"`
}

// recordParameters are those of GetUserRecord and GetGroupRecord.
type recordParameters struct {
	Service   string  `json:"service"`
	UserName  string  `json:"userName"`
	GroupName string  `json:"groupName"`
	UID       *uint32 `json:"uid"`
	GID       *uint32 `json:"gid"`
	filter
}

// membershipParameters are those of GetMemberships.
type membershipParameters struct {
	Service   string `json:"service"`
	UserName  string `json:"userName"`
	GroupName string `json:"groupName"`
}

// record is the result of GetUserRecord and GetGroupRecord.
type record struct {
	Record     any  `json:"record"`
	Incomplete bool `json:"incomplete"`
}

// userRecord is a JSON User Record (https://systemd.io/USER_RECORD).
type userRecord struct {
	UserName      string      `json:"userName"`
	UID           uint32      `json:"uid"`
	GID           uint32      `json:"gid"`
	HomeDirectory string      `json:"homeDirectory"`
	Shell         string      `json:"shell"`
	Disposition   string      `json:"disposition"`
	Locked        bool        `json:"locked,omitempty"`
	MemberOf      []string    `json:"memberOf,omitempty"`
	Privileged    *privileged `json:"privileged,omitempty"`
	Service       string      `json:"service"`
}

// privileged is the part of a user record that only root may see.
type privileged struct {
	HashedPassword []string `json:"hashedPassword"`
}

// groupRecord is a JSON Group Record (https://systemd.io/GROUP_RECORD).
type groupRecord struct {
	GroupName   string `json:"groupName"`
	GID         uint32 `json:"gid"`
	Disposition string `json:"disposition"`
	Service     string `json:"service"`
}

// membership is the result of GetMemberships.
type membership struct {
	UserName  string `json:"userName"`
	GroupName string `json:"groupName"`
}

// serviceInfo is the result of GetInfo.
type serviceInfo struct {
	Vendor     string   `json:"vendor"`
	Product    string   `json:"product"`
	Version    string   `json:"version"`
	URL        string   `json:"url"`
	Interfaces []string `json:"interfaces"`
}

// refuse is the reply that reports an error without parameters.
func refuse(name string) []reply {
	return []reply{{Error: name, Parameters: struct{}{}}}
}

// refuseParameter is the reply to a parameter that can't be used.
func refuseParameter(name string) []reply {
	return []reply{{Error: errParameter, Parameters: map[string]string{"parameter": name}}}
}

// decode reads the parameters of a call into p. It returns the reply that
// refuses them, nil if they are fine.
func decode(c call, p any) []reply {
	if len(c.Parameters) == 0 {
		return nil
	}
	err := json.Unmarshal(c.Parameters, p)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return refuseParameter(wrong.Field)
	}
	return refuseParameter("parameters")
}
