module example.org/multi/api

go 1.23

toolchain default

require (
	example.org/multi/lib v0.1.0
	example.org/dep v1.1.0
)

replace example.org/dep => example.org/dep v1.0.9
