package quota

import "time"

// RecountStats counts what a Recounter did.
type RecountStats struct {
	Events uint64 // of others on the watched file systems, in sources or not
	Lost   uint64 // times that there were too many of them
	Rounds uint64 // of reading directories again
	Dirs   uint64 // in which others changed something, in sources or not
	Counts uint64 // of sources as a whole
	Found  uint64 // bytes that others added or took away, as far as they were noticed
}

func (t *RecountStats) found(c Charge) {
	if c.Bytes < 0 {
		c = c.Neg()
	}
	t.Found += uint64(c.Bytes)
}

// Stats returns what was done until now.
func (r *Recounter) Stats() RecountStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.totals
}

// SourceState is how it stands with the counting of a source.
type SourceState struct {
	Watched  bool      // what others do in it is noticed at once
	Counting bool      // it is counted as a whole at this moment
	Progress           // of that count, or of the last one
	Last     time.Time // the end of the last count that succeeded; zero: none
	Took     time.Duration
	Err      error // of the last one; nil: it succeeded
}

// Sources returns the state of every source by its path.
func (r *Recounter) Sources() map[string]SourceState {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]SourceState, len(r.sources))
	for path, s := range r.sources {
		all[path] = SourceState{
			Watched: s.volume.watched, Counting: s.counting, Progress: s.progress,
			Last: s.last, Took: s.took, Err: s.err,
		}
	}
	return all
}
