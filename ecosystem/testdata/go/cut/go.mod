module example.org/cut

go 1.21

require (
	example.org/whole v1.0.0
	example.org/half v1.