package policy

// Lock returns the policy of s with some accounts locked by the admin, and no
// others, each with a reason, which may be empty: what is locked is disabled,
// whatever the configuration says. What the names name need not be there.
func (s *Set) Lock(accounts map[string]string) *Set {
	next := *s
	next.locked = accounts
	next.adoptViews(s)
	return &next
}

// Locked reports whether the admin has locked the account, and why.
func (v *View) Locked() (why string, locked bool) {
	why, locked = v.set.locked[v.account.Name]
	return why, locked
}

// adoptViews gives s the views of the accounts of old.
func (s *Set) adoptViews(old *Set) {
	s.views = make(map[string]*View, len(old.views))
	s.list = make([]*View, len(old.list))
	for i, v := range old.list {
		s.list[i] = &View{set: s, account: v.account}
		s.views[v.Account()] = s.list[i]
	}
}
