package aegir

import (
	"errors"
	"os"
	"path"
	"sort"
	"strings"
)

// claim is a site as one alias describes it. Several aliases may claim one URI.
type claim struct {
	Site
	file string
}

// exact reports whether the alias file is the one that Aegir itself writes for
// the site, and no copy under another name.
func (c claim) exact() bool { return c.file == c.URI }

// sites fills in the sites of the instance from its aliases.
func (r *reader) sites(records []record) {
	roots := map[string]string{}
	for _, p := range r.inst.Platforms {
		roots["@"+platformPrefix+p.Name] = p.Root
	}
	claims := map[string][]claim{}
	anyClient := false
	for _, rec := range records {
		if strings.HasPrefix(rec.file, platformPrefix) || text(rec, "context_type") != "site" {
			continue
		}
		root, source := text(rec, "root"), text(rec, "site_path")
		if r.isPanel(root) || root == "" && r.isPanel(source) {
			continue
		}
		anyClient = anyClient || text(rec, "client_name") != ""
		if root == "" {
			root = roots[text(rec, "platform")]
		}
		if c, ok := r.claim(rec, root, source); ok {
			claims[c.URI] = append(claims[c.URI], c)
		}
	}
	uris := make([]string, 0, len(claims))
	for uri := range claims {
		uris = append(uris, uri)
	}
	sort.Strings(uris)
	for _, uri := range uris {
		if site, ok := r.settle(claims[uri]); ok && r.inspect(&site) {
			site.Stores = r.stores(uri, func(other string) bool { return claims[other] != nil })
			r.inst.Sites = append(r.inst.Sites, site)
		}
	}
	if !anyClient {
		r.linkedOwners()
	}
	if r.opts.RequireClientLink {
		r.requireClientDirs()
	}
}

// claim judges what an alias says of its site, without looking at the disk.
func (r *reader) claim(rec record, root, source string) (claim, bool) {
	c := claim{file: rec.file, Site: Site{URI: text(rec, "uri"), At: rec.at}}
	if !isHostname(c.URI) {
		r.warn(r.place(rec, "uri"), "site ignored: uri %q is not a host name", c.URI)
		return c, false
	}
	if source == "" && root != "" {
		source = root + "/sites/" + c.URI
	}
	clean, err := insidePath(r.inst.Dir, source)
	if err != nil {
		r.warn(r.place(rec, "site_path"), "site %s ignored: site_path %q %v", c.URI, source, err)
		return c, false
	}
	if !strings.HasSuffix(clean, "/sites/"+c.URI) {
		r.warn(r.place(rec, "site_path"), "site %s ignored: site_path %q does not end in /sites/%s", c.URI, source, c.URI)
		return c, false
	}
	if own, ok := ownTree(r.inst.Dir, clean); ok {
		r.warn(r.place(rec, "site_path"), "site %s ignored: site_path %q lies in %s, where no site is", c.URI, source, own)
		return c, false
	}
	c.Source = clean
	var ok bool
	if c.Enabled, ok = enabled(rec.alias.Value); !ok {
		r.warn(r.place(rec, "site_enabled"), "site %s ignored: site_enabled is neither true nor false", c.URI)
		return c, false
	}
	client, _ := rec.alias.Value.Entry("client_name")
	if client.Value.Kind != KindString && client.Value.Kind != KindNull {
		r.warn(r.place(rec, "client_name"), "site %s ignored: client_name is %s, not a string", c.URI, client.Value.Kind)
		return c, false
	}
	if client.Value.Str != noClient {
		c.Client = client.Value.Str
	}
	return c, true
}

// enabled reads site_enabled, which is true where it is missing (product.md §10).
func enabled(alias Value) (on, ok bool) {
	e, found := alias.Entry("site_enabled")
	v := e.Value
	switch {
	case !found || v.Kind == KindNull:
		return true, true
	case v.Kind == KindBool:
		return v.Bool, true
	case v.Kind == KindInt && (v.Int == 0 || v.Int == 1):
		return v.Int == 1, true
	case v.Kind == KindString && (v.Str == "0" || v.Str == "1" || v.Str == ""):
		return v.Str == "1", true
	}
	return false, false
}

// settle makes one site of the claims to one URI: equal directories are one
// site; of different ones, the alias that is named after the URI holds.
func (r *reader) settle(claims []claim) (Site, bool) {
	best := claims[0]
	for _, c := range claims {
		if c.exact() && !best.exact() {
			best = c
		}
	}
	conflict := false
	for _, c := range claims {
		if c.Source == best.Source {
			continue
		}
		conflict = true
		if best.exact() {
			r.warn(c.At, "alias %s ignored: it puts site %s at %s, the site's own alias at %s", c.file, c.URI, c.Source, best.Source)
		}
	}
	if best.exact() {
		return best.Site, true
	}
	if conflict {
		for _, c := range claims {
			r.warn(c.At, "site %s ignored: several aliases put it at different places, this one at %s", c.URI, c.Source)
		}
		return Site{}, false
	}
	// Without the site's own alias, copies that disagree must not open anything.
	for _, c := range claims {
		best.Enabled = best.Enabled && c.Enabled
		if c.Client != best.Client && !best.Barred {
			best.Barred = true
			r.warn(c.At, "site %s gets no owner: its aliases name %q and %q", c.URI, best.Client, c.Client)
		}
	}
	return best.Site, true
}

// inspect looks at the site's directory; false if it must not be shown.
func (r *reader) inspect(s *Site) bool {
	if err := r.look.checkDir(r.inst.Dir, s.Source); err != nil {
		if errors.Is(err, errNotDir) {
			r.warn(s.At, "site %s ignored: %v", s.URI, err)
			return false
		}
		s.Missing = true
		r.warn(s.At, "site %s: %v", s.URI, err)
		return true
	}
	if isGrav(s.Source) {
		s.Barred = true
		r.warn(s.At, "site %s is shown to the main account only: it is a whole Grav code base", s.URI)
	}
	return true
}

// isGrav reports whether the directory is no Drupal site but all of Grav, as BOA
// tells it. The preset's protections would mean nothing there.
func isGrav(dir string) bool {
	for _, name := range []string{"/bin/grav", "/system/defines.php"} {
		if _, err := os.Lstat(dir + name); err != nil {
			return false
		}
	}
	return true
}

// isPanel reports whether p lies in the panel's own tree.
func (r *reader) isPanel(p string) bool {
	if p == "" {
		return false
	}
	own := r.inst.Dir + "/aegir"
	p = path.Clean(p)
	return p == own || within(own, p)
}
