module example.com/three-tier/api

go 1.21.0

require (
	github.com/go-chi/chi/v5 v5.0.10
	github.com/golang-jwt/jwt/v4 v4.5.0
	github.com/lib/pq v1.10.9
	golang.org/x/net v0.17.0
)

require golang.org/x/text v0.13.0 // indirect
