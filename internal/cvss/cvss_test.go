package cvss

import "testing"

// The scores are those of the calculators at https://www.first.org/cvss/.
func TestBase(t *testing.T) {
	tests := []struct {
		vector, version, rating string
		score                   float64
	}{
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", "4.0", "critical", 10},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "4.0", "critical", 9.3},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", "4.0", "critical", 9.3}, // threat left out
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "3.1", "critical", 10},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H/E:U/RL:O", "3.1", "high", 7.5},
		{"CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "3.0", "medium", 6.1},
		{"CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "3.1", "low", 1.6},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "3.1", "none", 0},
		{"AV:N/AC:L/Au:N/C:C/I:C/A:C", "2.0", "high", 10},
		{"AV:N/AC:M/Au:N/C:N/I:P/A:N", "2.0", "medium", 4.3},
	}
	for _, test := range tests {
		v, ok := Parse(test.vector)
		if !ok {
			t.Errorf("Parse(%q) is no vector", test.vector)
			continue
		}
		if v.Version != test.version || v.Base() != test.score {
			t.Errorf("%s: version %s, base %v; want %s, %v", test.vector, v.Version, v.Base(), test.version, test.score)
		}
		if got := Rating(v.Version, v.Base()); got != test.rating {
			t.Errorf("%s: rating %s, want %s", test.vector, got, test.rating)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "high", "7.5", "CVSS:", "CVSS:3.1", "CVSS:5.0/AV:N", "CVSS:3.1/AV:N", "CVSS:3.1/AV:Z/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
		"CVSS:4.0/AV:N/AC:L", "AV:N/AC:L", "CVSS:3.1/////////", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/AV:N",
	} {
		if v, ok := Parse(text); ok {
			t.Errorf("Parse(%q) = %v, want none", text, v)
		}
	}
	if score := (Vector{}).Base(); score != 0 {
		t.Errorf("zero vector scores %v", score)
	}
}

func TestEnvironmental(t *testing.T) {
	v, _ := Parse("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
	vector, score, ok := v.Environmental([2]string{"E", "P"}, [2]string{"MAV", "A"})
	if !ok || vector != "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/MAV:A" || score != 8.3 {
		t.Errorf("got %q, %v, %v", vector, score, ok)
	}
	if _, _, ok := v.Environmental([2]string{"MAT", "N"}); ok {
		t.Error("a metric of version 4.0 was set on 3.1")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:A")
	f.Add("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H/E:U/RL:O")
	f.Add("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N")
	f.Add("AV:N/AC:L/Au:N/C:C/I:C/A:C")
	f.Add("CVSS:3.1/AV:N")
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := Parse(text)
		if !ok {
			return
		}
		if s := v.Base(); !(s >= 0 && s <= 10) {
			t.Errorf("base score %v of %q", s, text)
		}
		v.Metric("AV")
		v.Environmental([2]string{"E", "P"})
	})
}
