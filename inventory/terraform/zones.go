package terraform

import "strings"

// zones are the letters of the availability zones of each region, local and wavelength zones left out, from
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html. Where an account sees
// fewer zones than the region has (us-west-1, ap-northeast-1) the table has those that new accounts see.
var zones = map[string]string{
	"af-south-1": "abc", "ap-east-1": "abc", "ap-east-2": "abc", "ap-northeast-1": "acd", "ap-northeast-2": "abcd", "ap-northeast-3": "abc",
	"ap-south-1": "abc", "ap-south-2": "abc", "ap-southeast-1": "abc", "ap-southeast-2": "abc", "ap-southeast-3": "abc",
	"ap-southeast-4": "abc", "ap-southeast-5": "abc", "ap-southeast-6": "abc", "ap-southeast-7": "abc", "ca-central-1": "abd",
	"ca-west-1": "abc", "eu-central-1": "abc", "eu-central-2": "abc", "eu-north-1": "abc", "eu-south-1": "abc", "eu-south-2": "abc",
	"eu-west-1": "abc", "eu-west-2": "abc", "eu-west-3": "abc", "il-central-1": "abc", "me-central-1": "abc", "me-south-1": "abc",
	"mx-central-1": "abc", "sa-east-1": "abc", "us-east-1": "abcdef", "us-east-2": "abc", "us-west-1": "ac", "us-west-2": "abcd",
	"us-gov-east-1": "abc", "us-gov-west-1": "abc", "cn-north-1": "abd", "cn-northwest-1": "abc",
}

// zonesOf returns the names of the availability zones of a region; none where the region is not known.
func zonesOf(region string) []string {
	names := make([]string, 0, len(zones[region]))
	for _, letter := range zones[region] {
		names = append(names, region+string(letter))
	}
	return names
}

// partition is a group of regions (https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html).
type partition struct{ name, dnsSuffix, reverse string }

func partitionOf(region string) partition {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return partition{"aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"}
	case strings.HasPrefix(region, "us-gov-"):
		return partition{"aws-us-gov", "amazonaws.com", "com.amazonaws"}
	}
	return partition{"aws", "amazonaws.com", "com.amazonaws"}
}
