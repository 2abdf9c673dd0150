package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Settings returns every setting of product.md §3 and §4 after the merge, sorted
// by key: also those that nobody wrote, with origin "default" and their default
// value or nil. Paths are expanded, the permissions of an anonymous account are
// what is left of them; a password hash is not shown.
func (e *Effective) Settings() []Effect {
	list := e.singles()
	list = append(list,
		listEffect("secondary_groups", e.ownList(e.account.SecondaryGroups), same[string]),
		listEffect("membership_groups", e.ownList(e.account.MembershipGroups), same[string]),
		listEffect("allowed_ip", e.AllowedIP, plainValue),
		listEffect("denied_ip", e.DeniedIP, plainValue),
		listEffect("denied_login_methods", e.DeniedLoginMethods, same[string]),
		listEffect("denied_protocols", e.DeniedProtocols, same[string]),
		listEffect("two_factor_protocols", e.TwoFactorProtocols, same[string]),
		listEffect("web_client", e.WebClient, same[string]),
		listEffect("access_time", e.AccessTime, showWindow),
		listEffect("bandwidth_limits", e.BandwidthLimits, showBandwidth),
		listEffect("data_transfer_limits", e.DataTransferLimits, showTransfer),
		pathsEffect("permissions", e.Permissions, func(g *Grant) (Rule, any) { return g.Rule, verbWords(g.Verbs & e.ceiling()) }),
		pathsEffect("file_patterns", e.FilePatterns, func(p *Pattern) (Rule, any) { return p.Rule, showPattern(p) }),
		pathsEffect("virtual_folders", e.VirtualFolders, func(v *Virtual) (Rule, any) { return v.Rule, showVirtual(v) }),
	)
	slices.SortFunc(list, func(a, b Effect) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

// singles returns the settings of which an account has one value.
func (e *Effective) singles() []Effect {
	var list []Effect
	for i := range scalars {
		row := &scalars[i]
		v := Effected{Value: row.unset, Origin: OriginDefault}
		if e.origins[i] != "" {
			v.Value, v.At = row.show(&e.Scalars)
			v.Origin = e.origins[i]
		} else if g := e.GroupQuota; g != nil && row.shared && row.isSet(&e.primary.Settings) {
			// Shared, as quota_scope says; an account's own limit hides it here.
			v.Value, v.At = row.show(&e.primary.Settings)
			v.Origin = "group:" + g.Group
		}
		if text, ok := v.Value.(string); ok && row.path {
			if clean, err := expandPath(text, e.account); err == nil {
				v.Value = clean
			}
		}
		list = append(list, Effect{Key: row.key, Values: []Effected{v}})
	}
	a := e.account
	own := func(key string, set bool, value, unset any, at Pos) {
		v := Effected{Value: unset, Origin: e.Origin(key)}
		if set {
			v.Value, v.At = value, at
		}
		list = append(list, Effect{Key: key, Values: []Effected{v}})
	}
	own("uid", a.UID.Set, a.UID.Value, nil, a.UID.At)
	own("password_hash", a.PasswordHash.Set, "(not shown)", nil, a.PasswordHash.At)
	own("enabled", a.Enabled.Set, a.Enabled.Value, true, a.Enabled.At)
	own("created_at", a.CreatedAt.Set, plain(a.CreatedAt.Value), nil, a.CreatedAt.At)
	own("expires_at", e.ExpiresAt.Set, plain(e.ExpiresAt.Value), nil, e.ExpiresAt.At)
	own("primary_group", a.PrimaryGroup.Value != "", a.PrimaryGroup.Value, nil, a.PrimaryGroup.At)

	scope := Effected{Value: scopeMember, Origin: OriginDefault}
	if g := e.primary; g != nil && g.QuotaScope.Set {
		scope = Effected{Value: g.QuotaScope.Value, Origin: "group:" + g.Name, At: g.QuotaScope.At}
	}
	return append(list, Effect{Key: "quota_scope", Values: []Effected{scope}})
}

// ownList returns a list that only the account itself has.
func (e *Effective) ownList(list []Setting[string]) []From[string] {
	var out []From[string]
	for _, s := range list {
		out = append(out, From[string]{Value: s.Value, Origin: "account:" + e.account.Name, At: s.At})
	}
	return out
}

func same[T any](v T) any { return v }

func plainValue[T any](v T) any { return plain(v) }

func listEffect[T any](key string, list []From[T], show func(T) any) Effect {
	out := Effect{Key: key, Kind: EffectList}
	for _, f := range list {
		out.Values = append(out.Values, Effected{Value: show(f.Value), Origin: f.Origin, At: f.At})
	}
	return out
}

func pathsEffect[T any](key string, list []T, show func(*T) (Rule, any)) Effect {
	out := Effect{Key: key, Kind: EffectPaths}
	for i := range list {
		rule, value := show(&list[i])
		out.Values = append(out.Values, Effected{Path: rule.Path, Value: value, Origin: rule.Origin, At: rule.At})
	}
	slices.SortFunc(out.Values, func(a, b Effected) int { return strings.Compare(a.Path, b.Path) })
	return out
}
