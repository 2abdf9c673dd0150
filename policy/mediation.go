package policy

import "slices"

// Mediation says what of a file's data must pass through grantfs, because
// something has to be counted, paced or refused on its way (architecture.md
// §3.4). What need not is passed through to the backing by the kernel.
type Mediation struct {
	Reads  bool
	Writes bool
}

// The states of Mount.mediation.
const (
	mediationKnown uint32 = 1 << iota
	mediatedReads
	mediatedWrites
)

// Mediation returns what of the data in m, one of the view's mounts, must pass
// through grantfs for the sake of this account and of whom m is charged to: what
// others are limited to in the same place is in Set.Charged. It is computed once
// for each mount.
func (v *View) Mediation(m *Mount) Mediation {
	known := m.mediation.Load()
	if known == 0 {
		known = mediationKnown
		got := v.mediate(m, v.Effective())
		if got.Reads {
			known |= mediatedReads
		}
		if got.Writes {
			known |= mediatedWrites
		}
		m.mediation.Store(known)
	}
	return Mediation{Reads: known&mediatedReads != 0, Writes: known&mediatedWrites != 0}
}

func (v *View) mediate(m *Mount, e *Effective) Mediation {
	var need Mediation
	if p := e.Scalars.Passthrough; p.Set && !p.Value {
		return Mediation{true, true}
	}
	if i := slices.IndexFunc(e.VirtualFolders, func(f Virtual) bool { return f.Path == m.Path }); mountKind(m) != BranchHome && i >= 0 {
		f := e.VirtualFolders[i].Folder
		if f.Passthrough.Set && !f.Passthrough.Value {
			return Mediation{true, true}
		}
	}
	limits := func(list ...Setting[Limit]) bool {
		return slices.ContainsFunc(list, func(l Setting[Limit]) bool { return l.Set && !l.Value.Unlimited })
	}
	own := &e.Scalars
	need.Reads = limits(own.DownloadBandwidth, own.DownloadDataTransfer, own.TotalDataTransfer)
	need.Writes = limits(own.UploadBandwidth, own.UploadDataTransfer, own.TotalDataTransfer, own.MaxUploadFileSize)
	// Whatever network a client comes from: it is not known here.
	for _, l := range e.BandwidthLimits {
		need.Reads = need.Reads || limits(l.Value.DownloadBandwidth)
		need.Writes = need.Writes || limits(l.Value.UploadBandwidth)
	}
	for _, l := range e.DataTransferLimits {
		need.Reads = need.Reads || limits(l.Value.DownloadDataTransfer, l.Value.TotalDataTransfer)
		need.Writes = need.Writes || limits(l.Value.UploadDataTransfer, l.Value.TotalDataTransfer)
	}
	need.Writes = need.Writes || slices.ContainsFunc(v.bucketsOf(m, e), Bucket.Limited)
	return need
}
