package fix

// The releases of package managers, which tests let judge what was written.
var (
	PNPM8, PNPM10 = &pnpm8, &pnpm10
	Yarn3, Yarn4  = &yarn3, &yarn4
)
