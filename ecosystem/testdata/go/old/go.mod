module example.org/old

go 1.13

require (
	example.org/a v1.0.0
	example.org/b v1.0.0
)

replace example.org/b => example.org/b v1.0.2
