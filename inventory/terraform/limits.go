package terraform

// Budgets of one reading. Real repositories stay far below all of them; what reaches one becomes unknown with the reason
// NOT_EVALUATED, a notice says where, and everything else is still evaluated.
const (
	maxFile      = 16 << 20   // bytes of one file of configuration
	maxNesting   = 400        // brackets, operators and conditions inside each other
	maxTokens    = 4_000_000  // tokens of one file
	maxDepth     = 4_000      // expressions inside each other, through references
	maxSteps     = 8_000_000  // expressions of one root and environment, with elements and bytes that functions look at
	maxAllSteps  = 60_000_000 // the same of all roots
	maxText      = 8 << 20    // bytes of one text
	maxBytes     = 512 << 20  // bytes of all texts that one root makes
	maxValue     = 1 << 18    // elements of one value, those of its elements included
	maxInstances = 20_000     // instances of one resource or module
	maxModules   = 10_000     // instances of modules in one root
	maxResources = 200_000    // instances of resources in one root
	maxModule    = 40         // modules inside each other
	maxRange     = 1 << 16    // elements of products, parts of a text
	maxFileSet   = 50_000     // files that fileset looks at
	maxRead      = 4 << 20    // bytes of a file that a function reads
	maxReads     = 128 << 20  // bytes of all files that functions of one root read
	maxVariants  = 32         // environments of one root
)

// Bounds on what is kept of an unknown value.
const (
	maxCandidates = 64
	maxParts      = 256
)

// countEvaluated is how many instances are evaluated of what has more than maxInstances.
const countEvaluated = 100

// Bounds on single arguments of functions.
const (
	maxIndent  = 1_000 // spaces
	maxDigits  = 512   // of a number that is written as a text
	maxPattern = 4_096 // bytes of a regular expression
)

// maxTerraformRange is where Terraform itself stops range.
const maxTerraformRange = 1024
