package fix

// The releases of package managers that tests let judge what was written.
var (
	PNPM8, PNPM10 = &pnpm8, &pnpm10
	Yarn3, Yarn4  = &yarn3, &yarn4
	// Yarn1 has no way of making a lock file alone, and so is used by tests only.
	Yarn1 = &NodePackage{
		Name: "yarn", Version: "1.22.22", Main: "bin/yarn.js",
		SHA512: "a6b2f7906b721bba3d67d4aff083df04dad64c399707841b7acf00f6b133b7ac24255f2652fa22ae3534329dc6180534e98d17432037ff6fd140556e2bb3137e",
	}
)
