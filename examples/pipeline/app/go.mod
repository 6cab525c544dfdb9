module shop.example/web

go 1.25.0

require golang.org/x/net v0.17.0

require golang.org/x/text v0.13.0 // indirect
