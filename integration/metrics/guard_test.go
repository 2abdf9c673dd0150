package metrics

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
)

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := 0
		h := guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }),
			func(username, password string) bool { return username == "admin" && password == "right" })
		for _, c := range []struct {
			username, password string
			want               int
		}{{"", "", 401}, {"admin", "wrong", 401}, {"other", "right", 401}, {"admin", "right", 200}} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			if c.username != "" {
				r.SetBasicAuth(c.username, c.password)
			}
			h.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%s:%s is answered %d, want %d", c.username, c.password, w.Code, c.want)
			}
			if ask := w.Header().Get("WWW-Authenticate"); (ask != "") != (c.want == 401) {
				t.Errorf("%s:%s: WWW-Authenticate is %q", c.username, c.password, ask)
			}
		}
		if reached != 1 {
			t.Errorf("%d were let in, want 1", reached)
		}
	})
}
