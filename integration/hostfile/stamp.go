package hostfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// The first line of each file. All of the formats that are written have comments
// that begin with '#'.
const (
	stampStart = "# sha256 "
	stampEnd   = " of what follows: an edited file is left alone by grantfs.\n"
)

// Stamp returns text as it is installed: below a line that holds its hash.
func Stamp(text []byte) []byte {
	sum := sha256.Sum256(text)
	return fmt.Appendf(nil, "%s%s%s%s", stampStart, hex.EncodeToString(sum[:]), stampEnd, text)
}

// author is who has written a file, as far as the file tells.
type author int

const (
	somebody author = iota
	ours
	edited // ours, and changed since
)

func authorOf(file []byte) author {
	line, text, ok := bytes.Cut(file, []byte("\n"))
	switch {
	case !ok || !bytes.HasPrefix(line, []byte(stampStart)):
		return somebody
	case bytes.Equal(file, Stamp(text)):
		return ours
	}
	return edited
}
