package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notLimits are the settings that say nothing about access by themselves: what
// they lead to is compared.
var notLimits = []string{
	"permissions", "file_patterns", "virtual_folders", "home_dir",
	"primary_group", "secondary_groups", "membership_groups", "quota_scope",
	"created_at", "expires_in",
}

// unordered are the lists whose order means nothing.
var unordered = []string{
	"allowed_ip", "denied_ip", "denied_login_methods", "denied_protocols",
	"two_factor_protocols", "web_client", "access_time",
}

// limitChanges compares the settings of two views, and those of the mounts that
// both have, in no order.
func limitChanges(before, after *View) []LimitChange {
	had, has := before.Effective(), after.Effective()
	list := differences("", limits(had), limits(has))
	was := make(map[string]*Mount)
	for _, m := range before.Mounts() {
		was[m.Path] = m
	}
	for _, m := range after.Mounts() {
		if o := was[m.Path]; o != nil {
			list = append(list, differences(m.Path, before.mountLimits(o, had), after.mountLimits(m, has))...)
		}
	}
	return list
}

// differences compares two sets of values, of which one that is not there is nil.
func differences(path string, before, after map[string]any) []LimitChange {
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	var list []LimitChange
	for key := range keys {
		if was, will := before[key], after[key]; asJSON(was) != asJSON(will) {
			list = append(list, LimitChange{Path: path, Key: key, Old: was, New: will})
		}
	}
	return list
}

// asJSON returns a value as JSON.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // not reached: Settings promises what JSON can show
	}
	return string(b)
}

// limits returns the settings of an account after the merge by key, without those
// that make no difference.
func limits(eff *Effective) map[string]any {
	all := make(map[string]any)
	for _, e := range eff.Settings() {
		if slices.Contains(notLimits, e.Key) {
			continue
		}
		if value := meaning(e); value != nil {
			all[e.Key] = value
		}
	}
	if in := eff.Scalars.ExpiresIn; in.Set && !eff.ExpiresAt.Set && in.Value > 0 {
		all["expires_in"] = plain(in.Value)
	}
	if g := eff.GroupQuota; g != nil && (g.Size.Set || g.Files.Set || g.Inodes.Set) {
		all["quota_scope"] = "group:" + g.Group
	}
	return all
}

// meaning returns what a setting comes to: nil where it is as good as not set.
func meaning(e Effect) any {
	if e.Kind == EffectSingle {
		switch v := e.Values[0].Value; v {
		case false, "", unlimited:
			return nil
		default:
			return v
		}
	}
	if len(e.Values) == 0 {
		return nil
	}
	list := make([]any, len(e.Values))
	for i, v := range e.Values {
		list[i] = v.Value
	}
	if slices.Contains(unordered, e.Key) {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(asJSON(a), asJSON(b)) })
	}
	return list
}

// mountLimits returns what a mount is subject to beside its permissions, without
// what makes no difference.
func (v *View) mountLimits(m *Mount, eff *Effective) map[string]any {
	all := map[string]any{"buckets": v.buckets(m, eff)}
	put := func(key string, set bool, value any) {
		if set {
			all[key] = value
		}
	}
	put("group_write", m.GroupWrite, true)
	put("user_xattrs", m.UserXattrs, true)
	put("modes", m.ClientMode, "client")
	if o := m.Owner; o != nil {
		all["owner"] = fmt.Sprintf("%d:%d", o.UID, o.GID)
	}
	switch mountKind(m) {
	case BranchFolder:
		if i := slices.IndexFunc(eff.VirtualFolders, func(f Virtual) bool { return f.Path == m.Path }); i >= 0 {
			e := eff.VirtualFolders[i].Entry
			put("quota_size", e.QuotaSize.Value > 0, e.QuotaSize.Value)
			put("quota_files", e.QuotaFiles.Value > 0, e.QuotaFiles.Value)
		}
	case BranchSite:
		for _, site := range v.Sites() {
			if m.Path == join(sitesPath, site.URI) && m.Source == site.Source {
				put("quota_size", site.QuotaSize.Set && !site.QuotaSize.Value.Unlimited, site.QuotaSize.Value.N)
				put("quota_files", site.QuotaFiles.Set && !site.QuotaFiles.Value.Unlimited, site.QuotaFiles.Value.N)
				put("preset", site.Preset == presetAegir, site.Preset)
			}
		}
	}
	return all
}
