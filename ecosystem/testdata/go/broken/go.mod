module example.org/broken

go 1.21

require (
	example.org/whole v1.0.0
	example.org/branch master
	example.org/v3 v3.0.0
	example.org/no-version
	example.org/also v1.0.0
)

future something v1.0.0

/* not a comment */
require example.org/last v1.0.0
