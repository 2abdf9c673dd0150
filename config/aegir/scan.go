package aegir

import (
	"bytes"
	"fmt"
)

// SyntaxError says where and why an alias file was not understood.
type SyntaxError struct {
	Line, Col int // both count from 1, columns in bytes
	Text      string
}

// Error returns "line:column: text".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Text)
}

// scanner walks over the bytes of an alias file and knows where it is.
type scanner struct {
	data []byte
	off  int
	line int // of off, from 1
	bol  int // offset of the beginning of that line
}

func (s *scanner) col() int { return s.off - s.bol + 1 }

func (s *scanner) fail(format string, args ...any) error {
	return &SyntaxError{Line: s.line, Col: s.col(), Text: fmt.Sprintf(format, args...)}
}

// peek returns the byte at hand, 0 at the end; a file never holds a NUL.
func (s *scanner) peek() byte {
	if s.off < len(s.data) {
		return s.data[s.off]
	}
	return 0
}

// next moves over the byte at hand.
func (s *scanner) next() {
	if s.data[s.off] == '\n' {
		s.line++
		s.bol = s.off + 1
	}
	s.off++
}

func (s *scanner) hasPrefix(prefix string) bool {
	return bytes.HasPrefix(s.data[s.off:], []byte(prefix))
}

// found describes what is at hand, for messages.
func (s *scanner) found() string {
	if s.off >= len(s.data) {
		return "the end of the file"
	}
	if w := s.word(); w != "" {
		return fmt.Sprintf("%q", w)
	}
	return fmt.Sprintf("%q", s.data[s.off:s.off+1])
}

// word returns the identifier at hand without moving, "" if there is none.
func (s *scanner) word() string {
	end := s.off
	for end < len(s.data) && isWord(s.data[end]) && end-s.off < 40 {
		end++
	}
	return string(s.data[s.off:end])
}

func isWord(c byte) bool {
	return c == '_' || isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// expect moves over the byte c, after blanks and comments.
func (s *scanner) expect(c byte, where string) error {
	if err := s.skip(); err != nil {
		return err
	}
	if s.peek() != c {
		return s.fail("expected %q %s, found %s", c, where, s.found())
	}
	s.next()
	return nil
}

// skip moves over blanks and comments.
func (s *scanner) skip() error {
	for s.off < len(s.data) {
		switch {
		case isSpace(s.peek()):
			s.next()
		case s.hasPrefix("#["):
			return s.fail("an attribute is not a literal")
		case s.peek() == '#', s.hasPrefix("//"):
			if err := s.skipLine(); err != nil {
				return err
			}
		case s.hasPrefix("/*"):
			if err := s.skipBlock(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// skipLine moves over a comment to the end of its line. PHP ends such a comment
// at a closing tag too, and would print what follows: that is refused.
func (s *scanner) skipLine() error {
	for s.off < len(s.data) && s.peek() != '\n' && s.peek() != '\r' {
		if s.hasPrefix("?>") {
			return s.fail(`"?>" inside a comment ends the PHP code`)
		}
		s.next()
	}
	return nil
}

func (s *scanner) skipBlock() error {
	open := *s
	s.next()
	s.next()
	for !s.hasPrefix("*/") {
		if s.off >= len(s.data) {
			return open.fail("a comment that is never closed")
		}
		s.next()
	}
	s.next()
	s.next()
	return nil
}

// str reads the string literal at hand.
func (s *scanner) str() (string, error) {
	open := *s
	quote := s.peek()
	s.next()
	var text []byte
	for {
		if s.off >= len(s.data) {
			return "", open.fail("a string that is never closed")
		}
		c := s.peek()
		switch {
		case c == quote:
			s.next()
			return string(text), nil
		case c == '\\':
			e, err := s.escape(quote)
			if err != nil {
				return "", err
			}
			text = append(text, e...)
			continue
		case c == '$' && quote == '"':
			return "", s.fail("a variable in a string is not a literal")
		}
		text = append(text, c)
		s.next()
	}
}

// escape reads the backslash at hand and what it stands for. In single quotes
// PHP knows \' and \\ and takes any other backslash as it is; of the many
// escapes of double quotes only four are understood.
func (s *scanner) escape(quote byte) (string, error) {
	at := *s
	s.next()
	c := s.peek()
	switch {
	case c == '\\' || c == quote:
		s.next()
		return string(rune(c)), nil
	case quote == '\'':
		return `\`, nil
	case c == 'n':
		s.next()
		return "\n", nil
	case c == 't':
		s.next()
		return "\t", nil
	}
	return "", at.fail(`in double quotes only the escapes \\ \" \n \t are understood`)
}
