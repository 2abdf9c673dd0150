package aegir

import (
	"os"
	"strings"
)

// linkedOwners takes the owners from the links clients/<client>/<uri>, as Aegir
// knew them before its aliases named the client. A link counts only if its text
// is the site's own directory; a site that two clients link has no owner.
func (r *reader) linkedOwners() {
	clients := r.inst.Dir + "/clients"
	if r.look.checkDir(r.inst.Dir, clients) != nil {
		return
	}
	names, err := r.look.list(clients)
	if err != nil {
		r.warn(r.inst.At, "clients of %s: %v", r.inst.Name, err)
		return
	}
	for _, client := range names {
		dir := clients + "/" + client
		if client == noClient || !isClientDir(client) || r.look.checkDir(clients, dir) != nil {
			continue
		}
		r.look.parent(dir + "/*")
		for i := range r.inst.Sites {
			site := &r.inst.Sites[i]
			target, err := os.Readlink(dir + "/" + site.URI)
			if err != nil || strings.TrimSuffix(target, "/") != site.Source {
				continue
			}
			if site.Client != "" {
				site.Barred = true
				r.warn(site.At, "site %s gets no owner: both %q and %q have a link to it in %s", site.URI, site.Client, client, clients)
				continue
			}
			site.Client = client
		}
	}
}

// requireClientDirs bars the clients that have no directory in clients/.
func (r *reader) requireClientDirs() {
	clients := r.inst.Dir + "/clients"
	missing := map[string]bool{}
	for i := range r.inst.Sites {
		site := &r.inst.Sites[i]
		if site.Client == "" {
			continue
		}
		dir := clients + "/" + site.Client
		if isClientDir(site.Client) && r.look.checkDir(r.inst.Dir, dir) == nil {
			continue
		}
		site.Barred = true
		if !missing[site.Client] {
			missing[site.Client] = true
			r.warn(site.At, "client %q of %s gets nothing: %q is not a directory", site.Client, r.inst.Name, dir)
		}
	}
}
