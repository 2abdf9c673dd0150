package main

import "grantfs/integration/extrausers"

// publishUsers makes the accounts of the table in force users of the host, and
// those that are gone or locked users no more.
func (d *daemon) publishUsers() {
	d.credentials.mu.Lock()
	defer d.credentials.mu.Unlock()
	d.publishTable()
}

// publishTable is publishUsers for a caller that holds credentials.mu: of two
// tables the newer is published last.
func (d *daemon) publishTable() {
	table := d.table.Load()
	d.userdb.Publish(table)
	write := extrausers.Clear // they were in files once, it may be
	if d.config.Mount.Users.Value == "extrausers" {
		write = extrausers.Write
	}
	if err := write(extrausers.Dir, table); err != nil {
		d.log.Error("users in files are not what they are to be", "error", err)
	}
}
