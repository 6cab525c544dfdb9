module example.org/vendor-old

go 1.14

require example.org/a v1.0.0
