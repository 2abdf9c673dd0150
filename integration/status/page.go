package status

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"
)

//go:embed page.tmpl
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"grouped": func(n any) string {
		switch n := n.(type) {
		case int:
			return grouped(uint64(max(n, 0)))
		case uint64:
			return grouped(n)
		}
		return fmt.Sprint(n)
	},
	"span":  func(from, to time.Time) string { return span(to.Sub(from)) },
	"clock": func(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") },
	"total": sum,
	"level": func(share float64) string {
		switch {
		case share >= 1:
			return "full"
		case share >= nearLimit:
			return "near"
		}
		return "fine"
	},
}).Parse(pageText))

// Page answers with a page of what now returns, which must not block.
func Page(now func() Status, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := now()
		var b bytes.Buffer
		if err := page.Execute(&b, &s); err != nil {
			log.Error("make the status page", "error", err)
			http.Error(w, "the page can't be made; the log says why", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if _, err := w.Write(b.Bytes()); err != nil {
			log.Debug("send the status page", "error", err) // the browser has gone
		}
	})
}
