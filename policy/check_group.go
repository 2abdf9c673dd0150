package policy

// checkGroups warns about what groups say in vain: only a primary group gives
// single values (product.md §4), so those of a group that is secondary for
// somebody and primary for nobody have no effect.
func (s *Set) checkGroups(rep *report) {
	primary, secondary := make(map[string]bool), make(map[string]bool)
	for _, v := range s.list {
		primary[v.account.PrimaryGroup.Value] = true
		for _, g := range v.account.SecondaryGroups {
			secondary[g.Value] = true
		}
	}
	for name := range secondary {
		g := s.groups[name]
		if g == nil || primary[name] {
			continue
		}
		for i := range scalars {
			if row := &scalars[i]; row.isSet(&g.Settings) {
				_, at := row.show(&g.Settings)
				rep.warnf(at, "group %q: %s is not used: only a primary group gives it, and this one is nobody's", name, row.key)
			}
		}
		if g.QuotaScope.Value == scopeGroup {
			rep.warnf(g.QuotaScope.At, "group %q: quota_scope is not used: only a primary group's quota is shared, and this one is nobody's", name)
		}
	}
}
