package ecosystem

// All lists the ecosystems in the order of OSV's names. A file may be claimed by one format only.
var All = []*Ecosystem{
	Bioconductor,
	Conan,
	CRAN,
	Golang,
	Hackage,
	Maven,
	NuGet,
	PyPI,
	Cargo,
	NPM,
}
