package config

// maxSuggestions bounds the work that a file full of unknown words causes.
const maxSuggestions = 1000

// habits are keys that other programs have or that come to mind, with ours for
// them: too far apart to be near by their letters.
var habits = map[string]string{
	"quota": "quota_size", "quota_bytes": "quota_size", "files": "quota_files", "inodes": "quota_inodes",
	"home": "home_dir", "homedir": "home_dir", "home_directory": "home_dir",
	"password": "password_hash", "passwd": "password_hash", "hash": "password_hash",
	"group": "primary_group", "groups": "secondary_groups", "members": "membership_groups",
	"expiration_date": "expires_at", "expires": "expires_at", "expiry": "expires_at",
	"folders": "virtual_folders", "mounts": "virtual_folders", "patterns": "file_patterns", "perms": "permissions",
	"sessions": "max_sessions", "mapped_path": "source", "owner": "owner_account", "client": "owner_account",
	"name": "folder", "virtual_path": "path", "denied_patterns": "denied", "allowed_patterns": "allowed",
	"mount_point": "point", "mountpoint": "point", "path": "point",
}

// didYouMean returns `, did you mean "…"?` with the candidate nearest to word,
// or nothing where none is near.
func (d *decoder) didYouMean(word string, candidates []string) string {
	if d.suggests >= maxSuggestions {
		return ""
	}
	d.suggests++
	if best := nearest(word, candidates); best != "" {
		return ", did you mean " + quote(best) + "?"
	}
	return ""
}

// nearest returns the candidate with the fewest edits from word, ignoring the
// case of ASCII letters, or "" where every one has more than a third of its
// letters wrong. Of two at one distance the first is taken.
func nearest(word string, candidates []string) string {
	const longest = 64
	if len(word) < 2 || len(word) > longest {
		return ""
	}
	best, bestDist := "", 4
	for _, c := range candidates {
		limit := min(max(1, min(len(c), len(word))/3), bestDist-1)
		if len(c) < 2 || limit < 0 || abs(len(c)-len(word)) > limit || len(c) > longest {
			continue
		}
		if dist := distance(word, c); dist <= limit {
			best, bestDist = c, dist
		}
	}
	return best
}

// distance returns the number of single-letter insertions, deletions,
// replacements and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	before, prev := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func abs(n int) int { return max(n, -n) }

// Nearest returns the candidate that word was probably meant to be, "" where
// none is near.
func Nearest(word string, candidates []string) string { return nearest(word, candidates) }
