package main

import (
	"strings"

	"grantfs/fs"
	"grantfs/integration/audit"
	"grantfs/integration/login"
	"grantfs/policy"
)

// auditKept is how many full audit logs are kept beside the current one.
const auditKept = 9

// openAudit opens the audit log; nil if there is to be none.
func (d *daemon) openAudit() (err error) {
	a := d.config.Audit
	if a.File.Value == "" {
		return nil
	}
	size := a.MaxSize.Value.N
	if a.MaxSize.Value.Unlimited {
		size = 0
	}
	d.audit, err = audit.Open(audit.Options{Path: a.File.Value, MaxSize: size, Keep: auditKept, Log: d.log})
	return err
}

// recorder writes what the file system is asked for to the audit log (fs.Recorder).
type recorder struct {
	log   *audit.Log
	table *login.Table
}

// Record has one operation written, with the session that it belongs to.
func (r recorder) Record(e fs.Event) {
	entry := audit.Entry{Event: audit.Operation, Account: e.Account, Operation: e.Op.String(), Path: e.Path, To: e.To, Result: audit.OK}
	if s, ok := r.table.OfPid(e.PID); ok && s.Account == e.Account {
		ofSession(&entry, s)
	} else {
		entry.PID, entry.UID = e.PID, &e.UID
	}
	switch {
	case !e.Verdict.Allowed():
		entry.Result = e.Verdict.Reason.String()
	case e.Errno != 0:
		entry.Result = strings.ReplaceAll(e.Errno.Error(), " ", "_")
	}
	if by := e.Verdict.Rule; by != nil {
		entry.Rule, entry.At = by.Origin, at(by.At)
	}
	r.log.Write(entry)
}

// recordLogin has a login or its end written.
func (d *daemon) recordLogin(e login.Event) {
	entry := audit.Entry{Event: audit.Login, Account: e.Account, Result: audit.OK}
	ofSession(&entry, e.Session)
	switch {
	case e.Ended:
		entry.Event = audit.Logout
	case !e.Refusal.Allowed():
		entry.Event, entry.Result = audit.Refused, e.Refusal.Reason.String()
		entry.Rule, entry.At = strings.TrimPrefix(e.Refusal.Origin+" "+e.Refusal.Setting, " "), at(e.Refusal.At)
	}
	d.audit.Write(entry)
}

func ofSession(entry *audit.Entry, s login.Session) {
	entry.Session, entry.Protocol, entry.Method = s.ID, s.Protocol, s.Method
	if s.Addr.IsValid() {
		entry.Source = s.Addr.String()
	}
}

// at returns where a rule is written, "" for what nobody wrote.
func at(p policy.Pos) string {
	if p.IsZero() {
		return ""
	}
	return placeText(p)
}
