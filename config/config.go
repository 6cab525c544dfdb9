// Package config reads .trifecta.yaml. A key that is not known is an error that names the nearest known one.
package config
