package ecosystem

// All lists the ecosystems in the order of OSV's names, whatever their case. A file may be claimed by one format only.
var All = []*Ecosystem{
	Bioconductor,
	CocoaPods,
	Conan,
	CRAN,
	Cargo,
	GitHubActions,
	Golang,
	Hackage,
	Hex,
	Maven,
	NPM,
	NuGet,
	Packagist,
	Pub,
	PyPI,
	RubyGems,
	Swift,
	Terraform,
}
