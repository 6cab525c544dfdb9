module example.org/shop

go 1.22.1

toolchain go1.22.5

require (
	github.com/Direct/One v1.2.3
	example.org/major/v2 v2.0.1
	gopkg.example/old.v1 v1.0.0 // indirect
	example.org/incompatible v4.1.0+incompatible
)

require example.org/indirect v0.0.0-20200101000000-0123456789ab // indirect

require example.org/replaced v1.0.0

require (
	example.org/beside v0.0.0
	example.org/pinned v1.5.0
	example.org/unhit v1.5.0
	example.org/excluded v1.1.0
)

replace example.org/replaced => example.org/fork v1.0.1

replace (
	example.org/beside => ./beside
	example.org/pinned v1.5.0 => example.org/pinned v1.5.1
	example.org/unhit v1.4.0 => example.org/unhit v1.4.1
	example.org/unused => example.org/other v9.9.9
)

exclude example.org/excluded v1.1.0

retract v0.9.0

tool example.org/major/v2/cmd/gen
