// Command api is the application tier: invoices by customer, for callers with a signed token.
package main

import (
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v4"
	_ "github.com/lib/pq"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

type server struct {
	db  *sql.DB
	key []byte
}

type invoice struct {
	ID    int64 `json:"id"`
	Cents int64 `json:"cents"`
}

func main() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	s := &server{db: db, key: []byte(os.Getenv("TOKEN_KEY"))}
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r.With(s.signedIn).Get("/customers/{customer}/invoices", s.invoices)
	srv := &http.Server{Addr: ":8080", Handler: h2c.NewHandler(r, &http2.Server{}), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(srv.ListenAndServe())
}

func (s *server) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, err := jwt.Parse(raw, func(*jwt.Token) (any, error) { return s.key, nil }, jwt.WithValidMethods([]string{"HS256"}))
		if err != nil {
			http.Error(w, "sign in first", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) invoices(w http.ResponseWriter, r *http.Request) {
	rows, err := s.db.QueryContext(r.Context(), "select id, cents from invoices where customer = $1", chi.URLParam(r, "customer"))
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	defer rows.Close()
	found := []invoice{}
	for rows.Next() {
		var i invoice
		if err := rows.Scan(&i.ID, &i.Cents); err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		found = append(found, i)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(found); err != nil {
		log.Print(err)
	}
}
