package aegir

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParseAlias looks for text that makes the parser fail in another way than
// with a place in the text, and for aliases that mean something else once they
// are written the way PHP writes them.
func FuzzParseAlias(f *testing.F) {
	for _, seed := range []string{
		realAlias,
		"",
		"<?php",
		"<?php $aliases['a'] = [];",
		"<?php $aliases['a'] = array('b' => array('c', 5 => 'd', '6' => \"e\\n\", NULL), 'f' => -7,); ?>\n",
		"<?php // x\n# y\n/* z */ $aliases[\"a\"] = [TRUE, false, Null];",
		"<?php $aliases['a'] = array(9223372036854775807 => 1, 2);",
		"<?php $aliases['a'] = array('it\\'s' => '\\\\', 'x' => '\\n');",
		"<?php $aliases['a'] = array('k' => \"$x\");",
		"<?php $aliases['a'] = array('k' => system('id'));",
		"<?php $aliases['a'] = " + nest(maxAliasDepth+1) + ";",
		"<?php #[x]\n$aliases['a'] = [];",
		"<?php // ?>\n$aliases['a'] = [];",
		"<?php $aliases['a'] = [1.5, 0x1, 017, 1e9];",
		"<?php $aliases['\xff'] = ['\xfe' => \"\t\"];",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		aliases, err := ParseAlias(data)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("the error %v has no place", err)
			}
			lines := strings.Count(string(data), "\n") + 1
			if syntax.Line < 1 || syntax.Line > lines || syntax.Col < 1 || syntax.Col > len(data)+1 {
				t.Fatalf("the error %v is not in a text of %d lines, %d bytes", err, lines, len(data))
			}
			return
		}
		if len(aliases) == 0 {
			t.Fatal("neither an alias nor an error")
		}
		var b strings.Builder
		b.WriteString("<?php \n")
		for _, a := range aliases {
			fmt.Fprintf(&b, "$aliases[%s] = ", export(str(a.Name)))
			b.WriteString(export(a.Value) + ";\n")
		}
		if b.Len() > MaxAliasSize {
			return
		}
		again, err := ParseAlias([]byte(b.String()))
		if err != nil {
			t.Fatalf("written again it gives the error %v:\n%s", err, b.String())
		}
		if diff := cmp.Diff(dropPlaces(aliases), dropPlaces(again)); diff != "" {
			t.Fatalf("written again it differs (-first +again):\n%s", diff)
		}
	})
}

// export writes v as PHP's var_export does.
func export(v Value) string {
	switch v.Kind {
	case KindNull:
		return "NULL"
	case KindBool:
		return fmt.Sprint(v.Bool)
	case KindInt:
		return fmt.Sprint(v.Int)
	case KindString:
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v.Str) + "'"
	}
	var b strings.Builder
	b.WriteString("array (\n")
	for _, e := range v.Entries {
		fmt.Fprintf(&b, "%s => \n%s,\n", export(str(e.Key)), export(e.Value))
	}
	b.WriteString(")")
	return b.String()
}
