package account

import "grantfs/policy"

// Entries returns the Unix side of every account of a policy.
func Entries(set *policy.Set) []Entry {
	views := set.Views()
	entries := make([]Entry, len(views))
	for i, v := range views {
		sites := v.Sites()
		e := Entry{
			Name:         v.Account(),
			At:           v.Written(),
			UID:          v.UID(),
			PasswordHash: v.PasswordHash(),
			Created:      v.CreatedAt().Value,
			Locked:       !v.Enabled(),
			Why:          v.WhyDisabled(),
			Main:         v.Main(),
			Sites:        make([]string, len(sites)),
			Groups:       matchedGroups(v.Effective()),
		}
		for j, site := range sites {
			e.Sites[j] = site.URI
		}
		entries[i] = e
	}
	return entries
}

// matchedGroups is the groups by which sshd tells how an account may log in.
// sshd can't see which protocol or method it asks about elsewhere, so each
// stands for what concerns SSH only.
func matchedGroups(e *policy.Effective) []string {
	var groups []string
	for _, g := range []struct {
		name, value string
		list        []policy.From[string]
	}{
		{GroupTwoFactor, "SSH", e.TwoFactorProtocols},
		{GroupNoPassword, "password", e.DeniedLoginMethods},
		{GroupNoPublicKey, "publickey", e.DeniedLoginMethods},
		{GroupNoKeyboard, "keyboard-interactive", e.DeniedLoginMethods},
		{GroupNoSSH, "SSH", e.DeniedProtocols},
	} {
		if policy.Has(g.list, g.value) {
			groups = append(groups, g.name)
		}
	}
	return groups
}
