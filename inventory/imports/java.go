package imports

import (
	"bytes"
	"strings"
)

var java = language{
	ecosystem: "Maven",
	sources:   []string{".java", ".kt", ".kts", ".scala", ".groovy"},
	imports:   javaImports,
	modules:   javaModules,
	within:    func(module, of string) bool { return module == of || strings.HasPrefix(module, of+".") },
	test: func(name string) bool {
		return strings.Contains("/"+name, "/src/test/") || inFolder(name, "test", "tests", "it")
	},
}

// javaImports finds imports, and classes that are used by their full names.
func javaImports(data []byte, found func(string, int), _ func(string)) {
	identifiers(data, func(start, end int) {
		name := data[start:end]
		if bytes.Count(name, []byte(".")) >= 2 && name[0] >= 'a' && name[0] <= 'z' {
			found(string(bytes.TrimRight(name, ".")), start)
		}
	})
}

// artifacts are libraries that code calls by their own classes and that nothing loads by itself, with their packages.
// Frameworks, drivers and back ends of logging are left out: they run without being named.
var artifacts = map[string][]string{
	"com.google.code.gson:gson": {"com.google.gson"}, "com.google.guava:guava": {"com.google.common", "com.google.thirdparty"},
	"com.google.protobuf:protobuf-java": {"com.google.protobuf"}, "com.jayway.jsonpath:json-path": {"com.jayway.jsonpath"},
	"com.nimbusds:nimbus-jose-jwt": {"com.nimbusds.jose", "com.nimbusds.jwt"}, "com.squareup.okhttp3:okhttp": {"okhttp3"},
	"com.thoughtworks.xstream:xstream": {"com.thoughtworks.xstream"}, "commons-beanutils:commons-beanutils": {"org.apache.commons.beanutils"},
	"commons-collections:commons-collections": {"org.apache.commons.collections"}, "commons-fileupload:commons-fileupload": {"org.apache.commons.fileupload"},
	"commons-io:commons-io": {"org.apache.commons.io"}, "dom4j:dom4j": {"org.dom4j"}, "org.apache.commons:commons-collections4": {"org.apache.commons.collections4"},
	"org.apache.commons:commons-compress": {"org.apache.commons.compress"}, "org.apache.commons:commons-configuration2": {"org.apache.commons.configuration2"},
	"org.apache.commons:commons-lang3": {"org.apache.commons.lang3"}, "org.apache.commons:commons-text": {"org.apache.commons.text"},
	"org.apache.httpcomponents:httpclient": {"org.apache.http"}, "org.apache.pdfbox:pdfbox": {"org.apache.pdfbox"}, "org.apache.poi:poi": {"org.apache.poi"},
	"org.apache.poi:poi-ooxml": {"org.apache.poi"}, "org.apache.tika:tika-core": {"org.apache.tika"}, "org.apache.velocity:velocity-engine-core": {"org.apache.velocity"},
	"org.dom4j:dom4j": {"org.dom4j"}, "org.freemarker:freemarker": {"freemarker"}, "org.json:json": {"org.json"}, "org.jsoup:jsoup": {"org.jsoup"},
	"org.owasp.antisamy:antisamy": {"org.owasp.validator"}, "org.owasp.esapi:esapi": {"org.owasp.esapi"},
}

// javaModules returns the packages of an artifact. Of one that is not in the table only the group is known, which many
// packages follow; that it is not imported can't be said.
func javaModules(name string) ([]string, bool) {
	if packages, ok := artifacts[name]; ok {
		return packages, true
	}
	group, artifact, _ := strings.Cut(name, ":")
	module := strings.ReplaceAll(artifact, "-", ".")
	if strings.HasPrefix(module, group) {
		return []string{module}, false
	}
	return []string{group + "." + module, group + "." + strings.TrimPrefix(artifact, group[strings.LastIndexByte(group, '.')+1:]+"-")}, false
}
