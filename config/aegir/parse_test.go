package aegir

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func str(s string) Value         { return Value{Kind: KindString, Str: s} }
func integer(n int64) Value      { return Value{Kind: KindInt, Int: n} }
func boolean(b bool) Value       { return Value{Kind: KindBool, Bool: b} }
func list(entries ...any) Value  { return Value{Kind: KindArray, Entries: pairs(entries)} }
func php(literal string) string  { return "<?php $aliases['a'] = array('k' => " + literal + ");" }
func nest(depth int) string      { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
func commentTo(n int) string     { return "/*" + strings.Repeat("x", n-4) + "*/" }
func fileOf(stmts string) string { return "<?php \n" + stmts }

func pairs(entries []any) []Entry {
	var es []Entry
	for i := 0; i < len(entries); i += 2 {
		es = append(es, Entry{Key: entries[i].(string), Value: entries[i+1].(Value)})
	}
	return es
}

// dropPlaces returns the aliases without lines and columns.
func dropPlaces(aliases []Alias) []Alias {
	var list []Alias
	for _, a := range aliases {
		list = append(list, Alias{Name: a.Name, Value: dropValuePlaces(a.Value)})
	}
	return list
}

func dropValuePlaces(v Value) Value {
	var es []Entry
	for _, e := range v.Entries {
		es = append(es, Entry{Key: e.Key, Value: dropValuePlaces(e.Value)})
	}
	v.Entries = es
	return v
}

const realAlias = `<?php 
$aliases['shop.example.org'] = array (
  'context_type' => 'site',
  'platform' => '@platform_D10Shop',
  'uri' => 'shop.example.org',
  'site_enabled' => true,
  'client_name' => 'foo',
  'aliases' => 
  array (
    0 => 'www.shop.example.org',
  ),
  'redirection' => false,
  'drush_aliases' => 
  array (
  ),
);
`

func TestParseAlias(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Alias
	}{
		{"real", realAlias, []Alias{{Name: "shop.example.org", Value: list(
			"context_type", str("site"),
			"platform", str("@platform_D10Shop"),
			"uri", str("shop.example.org"),
			"site_enabled", boolean(true),
			"client_name", str("foo"),
			"aliases", list("0", str("www.shop.example.org")),
			"redirection", boolean(false),
			"drush_aliases", list())}}},
		{
			"two statements", fileOf(`$aliases['a'] = []; $aliases["b"]=array();`),
			[]Alias{{Name: "a", Value: list()}, {Name: "b", Value: list()}},
		},
		{
			"upper case", "<?PHP $aliases['a'] = ARRAY('t' => TRUE, 'f' => False, 'n' => null);",
			[]Alias{{Name: "a", Value: list("t", boolean(true), "f", boolean(false), "n", Value{})}},
		},
		{
			"comments", "<?php // one\n# two\n/* three * / \n */$aliases/**/[/**/'a'/**/]/**/=/**/array/**/(/**/'k'/**/=>/**/1/**/,/**/)/**/;// end",
			[]Alias{{Name: "a", Value: list("k", integer(1))}},
		},
		{"comment ends at carriage return", "<?php # x\r$aliases['a'] = [];", []Alias{{Name: "a", Value: list()}}},
		{"closing tag", "<?php $aliases['a'] = []; ?>\n", []Alias{{Name: "a", Value: list()}}},
		{
			"single quotes", php(`'it\'s a \\ and a \n and "this" $x'`),
			[]Alias{{Name: "a", Value: list("k", str(`it's a \ and a \n and "this" $x`))}},
		},
		{"backslash before the end", php(`'\\'`), []Alias{{Name: "a", Value: list("k", str(`\`))}}},
		{"double quotes", php(`"a\\b\"c\n\td'e"`), []Alias{{Name: "a", Value: list("k", str("a\\b\"c\n\td'e"))}}},
		{"string over lines", php("'a\nb'"), []Alias{{Name: "a", Value: list("k", str("a\nb"))}}},
		{"bytes", php("'\xff\xfeé'"), []Alias{{Name: "a", Value: list("k", str("\xff\xfeé"))}}},
		{
			"integers", php("array(0, -1, 9223372036854775807, -9223372036854775808)"),
			[]Alias{{Name: "a", Value: list("k", list("0", integer(0), "1", integer(-1),
				"2", integer(9223372036854775807), "3", integer(-9223372036854775808)))}},
		},
		{
			"keys", php("array(5 => 'a', 'b', '7' => 'c', 'd', '08' => 'e', -3 => 'f', 'g')"),
			[]Alias{{Name: "a", Value: list("k", list("5", str("a"), "6", str("b"), "7", str("c"),
				"8", str("d"), "08", str("e"), "-3", str("f"), "9", str("g")))}},
		},
		{"deep", php(nest(maxAliasDepth - 1)), nil},
		{"large", "<?php $aliases['a'] = [];" + commentTo(MaxAliasSize-25), []Alias{{Name: "a", Value: list()}}},
	} {
		got, err := ParseAlias([]byte(c.text))
		if err != nil {
			t.Errorf("%s: ParseAlias gave the error %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(dropPlaces(c.want), dropPlaces(got)); diff != "" && c.want != nil {
			t.Errorf("%s: ParseAlias (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestParseAliasPlaces(t *testing.T) {
	got, err := ParseAlias([]byte("<?php\n\n  $aliases['a'] = array(\n    'é' => 'x', 'uri' =>\n 'y');\n$aliases['b']=[];"))
	if err != nil {
		t.Fatal(err)
	}
	place := func(line, col int) string { return fmt.Sprintf("%d:%d", line, col) }
	e, _ := got[0].Value.Entry("uri")
	places := []string{place(got[0].Line, got[0].Col), place(e.Line, e.Col), place(got[1].Line, got[1].Col)}
	if diff := cmp.Diff([]string{"3:3", "4:18", "6:1"}, places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if _, ok := got[0].Value.Entry("gone"); ok {
		t.Error(`Entry("gone") found something`)
	}
}

func TestParseAliasErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `1:1: expected "<?php" at the beginning, found the end of the file`},
		{"\n<?php", `1:1: expected "<?php" at the beginning`},
		{"\ufeff<?php $aliases['a'] = [];", `1:1: expected "<?php" at the beginning`},
		{"<?php", "1:6: no alias is defined"},
		{"<?php /* */ ?>", "1:15: no alias is defined"},
		{"<?phpx $aliases['a'] = [];", `1:6: expected a blank after "<?php"`},
		{"<? $aliases['a'] = [];", `1:1: expected "<?php"`},
		{"<?php $aliases['a'] = array('k' => 'v'", "1:39: expected ',' or ')' in the array, found the end of the file"},
		{"<?php $aliases['a'] = array('k' => 'v", "1:36: a string that is never closed"},
		{"<?php $aliases['a'] = array('k' =>", "1:35: expected a literal, found the end of the file"},
		{"<?php $aliases['a'] = array()", "1:30: expected ';' after the array, found the end of the file"},
		{"<?php $aliases['a'] = 'x';", "1:23: an alias must be an array, not a string"},
		{"<?php $aliases['a'] = NULL;", "1:23: an alias must be an array, not NULL"},
		{"<?php $aliases['a'] = array(); $aliases['a'] = array();", `1:32: alias "a" is defined twice`},
		{"<?php $aliases[] = array();", "1:16: expected the alias' name, found \"]\""},
		{"<?php $aliases[a] = array();", "1:16: expected the alias' name, found \"a\""},
		{"<?php $aliases = array();", `1:16: expected '[' after $aliases, found "="`},
		{"<?php $aliases['a']['b'] = array();", `1:20: expected '=' after $aliases[...], found "["`},
		{"<?php $aliases['a'] .= array();", `1:21: expected '=' after $aliases[...], found "."`},
		{"<?php $aliases['a'] == array();", `1:22: expected a literal, found "="`},
		{"<?php $options['a'] = array();", `1:7: expected "$aliases"`},
		{"<?php $aliasesx['a'] = array();", `1:15: expected '[' after $aliases, found "x"`},
		{"<?php $aliases['a'] = array(]; ", `1:29: expected a literal, found "]"`},
		{"<?php $aliases['a'] = [);", `1:24: expected a literal, found ")"`},
		{"<?php $aliases['a'] = [,];", `1:24: expected a literal, found ","`},
		{"<?php $aliases['a'] = [1,,2];", `1:26: expected a literal, found ","`},
		{"<?php $aliases['a'] = [1 2];", "1:26: expected ',' or ']' in the array, found \"2\""},
		{"<?php $aliases['a'] = array() + array();", `1:31: expected ';' after the array, found "+"`},
		{"<?php system('id'); $aliases['a'] = array();", `1:7: expected "$aliases", found "system"`},
		{"<?php $aliases['a'] = array(); ?> x", `1:35: text after "?>"`},
		{"<?php $aliases['a'] = array(); ?><?php ", `1:34: text after "?>"`},
		{"<?php // x ?> <?php system('id');\n$aliases['a'] = array();", `1:12: "?>" inside a comment`},
		{"<?php # x ?>\n$aliases['a'] = array();", `1:11: "?>" inside a comment`},
		{"<?php #[x]\n$aliases['a'] = array();", "1:7: an attribute is not a literal"},
		{"<?php /* $aliases['a'] = array();", "1:7: a comment that is never closed"},
		{"<?php /*/ $aliases['a'] = array();", "1:7: a comment that is never closed"},
		{"<?php\n$aliases['a'] = array('\x00');", "2:24: a NUL byte"},
		{php("`id`"), "1:36: expected a literal, found \"`\""},
		{php("system('id')"), `1:36: expected a literal, found "system"`},
		{php("$x"), `1:36: expected a literal, found "$"`},
		{php("'a' . 'b'"), `1:40: expected ',' or ')' in the array, found "."`},
		{php(`"$x"`), "1:37: a variable in a string"},
		{php(`"{$x}"`), "1:38: a variable in a string"},
		{php(`"\$x"`), "1:37: in double quotes only the escapes"},
		{php(`"\x41"`), "1:37: in double quotes only the escapes"},
		{php(`"\'"`), "1:37: in double quotes only the escapes"},
		{php("<<<X\nX"), `1:36: expected a literal, found "<"`},
		{php("1.5"), "1:36: not a decimal integer"},
		{php("1e5"), "1:36: not a decimal integer"},
		{php("0x1F"), "1:36: not a decimal integer"},
		{php("017"), "1:36: not a decimal integer"},
		{php("1_000"), "1:36: not a decimal integer"},
		{php("-"), "1:36: not a decimal integer"},
		{php("- 1"), "1:36: not a decimal integer"},
		{php("--1"), "1:36: not a decimal integer"},
		{php("+1"), `1:36: expected a literal, found "+"`},
		{php("9223372036854775808"), "1:36: integer 9223372036854775808 is out of range"},
		{php("PHP_VERSION"), `1:36: expected a literal, found "PHP_VERSION"`},
		{php("truex"), `1:36: expected a literal, found "truex"`},
		{php("(object) array()"), `1:36: expected a literal, found "("`},
		{php("stdClass::__set_state(array())"), `1:36: expected a literal, found "stdClass"`},
		{php("new X"), `1:36: expected a literal, found "new"`},
		{php("array"), "1:41: expected '(' after array"},
		{php("...$x"), `1:36: expected a literal, found "."`},
		{php("array(1 => 'a', '1' => 'b')"), `1:52: key "1" is given twice`},
		{php("array('a', 0 => 'b')"), `1:47: key "0" is given twice`},
		{php("array('x' => 1, 'x' => 2)"), `1:52: key "x" is given twice`},
		{php("array(NULL => 1)"), "1:42: a key must be a string or an integer, not NULL"},
		{php("array(true => 1)"), "1:42: a key must be a string or an integer, not a boolean"},
		{php("array([] => 1)"), "1:42: a key must be a string or an integer, not an array"},
		{php("array('x' => => 1)"), `1:49: expected a literal, found "="`},
		{php("array(9223372036854775807 => 1, 2)"), "1:68: no key is left"},
		{php(nest(maxAliasDepth)), "nested more than 16 deep"},
		{php(strings.Repeat("[", 100_000)), "nested more than 16 deep"},
		{"<?php $aliases['a'] = [];" + commentTo(MaxAliasSize-24), "1:1: larger than 262144 bytes"},
	} {
		got, err := ParseAlias([]byte(c.text))
		var syntax *SyntaxError
		if got != nil || !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseAlias(%.60q) = %v, %v, want the error %s", c.text, got, err, c.want)
		}
	}
}

// Provision writes an alias in place: a reader may meet any beginning of it, and
// must understand none but the whole.
func TestParseAliasHalfWritten(t *testing.T) {
	whole := strings.TrimRight(realAlias, "\n")
	for n := range len(whole) {
		if got, err := ParseAlias([]byte(whole[:n])); err == nil {
			t.Errorf("ParseAlias of the first %d bytes = %v, want an error", n, got)
		}
	}
}
