package fix

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Poetry has operators of its own beside those of PEP 440: ^1.2, ~1.2, a plain version, and || between alternatives
// (https://python-poetry.org/docs/dependency-specification/).

// poetrySpecifiers turns a constraint of Poetry into alternatives of version specifiers.
func poetrySpecifiers(constraint string) ([]string, error) {
	var all []string
	for alternative := range strings.SplitSeq(strings.ReplaceAll(constraint, "||", "|"), "|") {
		var clauses []string
		for _, clause := range poetryClauses(alternative) {
			spec, err := poetryClause(clause)
			if err != nil {
				return nil, err
			}
			if spec != "" {
				clauses = append(clauses, spec)
			}
		}
		all = append(all, strings.Join(clauses, ","))
	}
	return all, nil
}

// poetryClauses splits what holds together; Poetry takes a space for a comma between clauses.
func poetryClauses(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		operator := ""
		for field := range strings.FieldsSeq(part) {
			if strings.Trim(field, "<>=!~^") == "" { // an operator apart from its version
				operator = field
				continue
			}
			all = append(all, operator+field)
			operator = ""
		}
	}
	return all
}

func poetryClause(clause string) (string, error) {
	operator := clause[:len(clause)-len(strings.TrimLeft(clause, "<>=!~^"))]
	version := strings.TrimPrefix(clause[len(operator):], "v")
	switch {
	case clause == "*":
		return "", nil
	case version == "":
		return "", fmt.Errorf("%q is no constraint", clause)
	case operator == "^":
		upper, err := caretBound(version)
		return ">=" + version + ",<" + upper, err
	case operator == "~":
		upper, err := tildeBound(version)
		return ">=" + version + ",<" + upper, err
	case operator == "" || operator == "=":
		return "==" + version, nil
	}
	return operator + version, nil
}

// caretBound returns the first version that is incompatible: the leftmost number that is not 0 may not change.
func caretBound(version string) (string, error) {
	numbers, err := releaseNumbers(version)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(numbers, func(n int) bool { return n != 0 })
	if at < 0 {
		at = len(numbers) - 1
	}
	return bumped(numbers, at), nil
}

// tildeBound lets the last number change, or of three the third.
func tildeBound(version string) (string, error) {
	numbers, err := releaseNumbers(version)
	if err != nil {
		return "", err
	}
	return bumped(numbers, min(1, len(numbers)-1)), nil
}

func bumped(numbers []int, at int) string {
	parts := make([]string, max(at+1, 2))
	for i := range parts {
		parts[i] = "0"
		if i < at {
			parts[i] = strconv.Itoa(numbers[i])
		}
	}
	parts[at] = strconv.Itoa(numbers[at] + 1)
	return strings.Join(parts, ".")
}

func releaseNumbers(version string) ([]int, error) {
	var numbers []int
	for part := range strings.SplitSeq(version, ".") {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		n, err := strconv.Atoi(digits)
		if err != nil {
			break
		}
		numbers = append(numbers, n)
		if digits != part {
			break
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("%q is no version", version)
	}
	return numbers, nil
}

// poetryAdmits reports whether a constraint is met by a version.
func poetryAdmits(constraint, version string) (bool, error) {
	alternatives, err := poetrySpecifiers(constraint)
	if err != nil {
		return false, err
	}
	for _, spec := range alternatives {
		ok, err := pypiAdmits(spec, version)
		if err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// poetryRaise keeps the operator of a constraint and puts the version in.
func poetryRaise(constraint, version string) (string, error) {
	text := strings.TrimSpace(constraint)
	if strings.Contains(text, "|") {
		return "", fmt.Errorf("%s has alternatives, of which none is chosen here", constraint)
	}
	operator := text[:len(text)-len(strings.TrimLeft(text, "^~ "))]
	var raised string
	switch rest := text[len(operator):]; {
	case text == "" || text == "*":
		return constraint, nil
	case strings.ContainsAny(rest, "<>=!") || strings.TrimSpace(operator) == "~" && strings.HasPrefix(text, "~="):
		return pypiRaise(constraint, version)
	case strings.HasSuffix(rest, ".*"):
		raised = operator + firstNumbers(version, strings.Count(rest, ".")) + ".*"
	default:
		raised = operator + version
	}
	if ok, err := poetryAdmits(raised, version); err != nil || !ok {
		return "", fmt.Errorf("no constraint close to %q admits %s", constraint, version)
	}
	return raised, nil
}

// poetryWritten writes version specifiers as Poetry does in its lock file: lower bounds first, the exclusion of one
// version as the two sides of it.
func poetryWritten(spec string) string {
	if strings.TrimSpace(spec) == "" {
		return "*"
	}
	var lower, upper, other, without []string
	for clause := range strings.SplitSeq(spec, ",") {
		clause = strings.ReplaceAll(strings.TrimSpace(clause), " ", "")
		switch {
		case strings.HasPrefix(clause, ">"):
			lower = append(lower, clause)
		case strings.HasPrefix(clause, "<"):
			upper = append(upper, clause)
		case strings.HasPrefix(clause, "~="):
			version := clause[2:]
			lower = append(lower, ">="+version)
			if numbers, err := releaseNumbers(version); err == nil && len(numbers) > 1 {
				upper = append(upper, "<"+bumped(numbers, len(numbers)-2))
			}
		case strings.HasPrefix(clause, "!=") && !strings.HasSuffix(clause, "*"):
			without = append(without, clause[2:])
		case strings.HasPrefix(clause, "===") || strings.HasPrefix(clause, "==") && !strings.HasSuffix(clause, "*"):
			other = append(other, strings.TrimLeft(clause, "="))
		default:
			other = append(other, clause)
		}
	}
	if len(without) != 1 || len(other) > 0 {
		for _, version := range without {
			other = append(other, "!="+version)
		}
		return strings.Join(slices.Concat(lower, upper, other), ",")
	}
	first := strings.Join(append(slices.Clone(lower), "<"+without[0]), ",")
	second := strings.Join(append([]string{">" + without[0]}, upper...), ",")
	return first + " || " + second
}
