// Package intel reads what is known about exploitation and end of life: CISA's catalogue of known exploited
// vulnerabilities (KEV), FIRST's exploit prediction scores (EPSS) and end-of-life dates.
package intel
