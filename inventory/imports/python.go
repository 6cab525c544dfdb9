package imports

import (
	"bytes"
	"path"
	"strings"
)

var python = language{
	ecosystem: "PyPI",
	sources:   []string{".py", ".pyi", ".ipynb"},
	owns:      []string{"poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", "requirements.txt"},
	imports:   pythonImports,
	modules:   pythonModules,
	within:    func(module, of string) bool { return module == of || strings.HasPrefix(module, of+".") },
	test: func(name string) bool {
		base := path.Base(name)
		return strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "conftest.py" || inFolder(name, "test", "tests")
	},
}

// pythonImports finds import statements, at the start of a line or of a text (a notebook keeps its lines in texts), and
// the modules that settings and import_module name.
func pythonImports(data []byte, found func(string, int), named func(string)) {
	identifiers(data, func(start, end int) {
		switch string(data[start:end]) {
		case "import":
			if statement(data[:start]) {
				pythonList(data, end, found)
			}
		case "from":
			name, at := pythonName(data, end)
			after := bytes.TrimLeft(data[min(at+len(name), len(data)):], " \t")
			if name != "" && statement(data[:start]) && bytes.HasPrefix(after, []byte("import")) {
				found(name, at)
			}
		default:
			if start > 0 && end < len(data) && (data[start-1] == '"' || data[start-1] == '\'') && data[end] == data[start-1] {
				named(string(data[start:end]))
			}
		}
	})
}

// statement reports whether a statement may start behind what comes before.
func statement(before []byte) bool {
	before = bytes.TrimRight(before[max(0, len(before)-256):], " \t")
	return len(before) == 0 || bytes.IndexByte([]byte("\n\r\"';:"), before[len(before)-1]) >= 0
}

// pythonName returns the dotted name that follows on the line, with its place.
func pythonName(data []byte, at int) (string, int) {
	for at < len(data) && (data[at] == ' ' || data[at] == '\t') {
		at++
	}
	end := at
	for end < len(data) && (letter(data[end]) || data[end] == '.' || data[end] >= '0' && data[end] <= '9') {
		end++
	}
	if end == at || !letter(data[at]) {
		return "", at
	}
	return string(data[at:end]), at
}

// pythonList reads the names of "import a.b as c, d".
func pythonList(data []byte, at int, found func(string, int)) {
	for {
		name, start := pythonName(data, at)
		if name == "" {
			return
		}
		found(name, start)
		at = start + len(name)
		if as, start := pythonName(data, at); as == "as" {
			alias, start := pythonName(data, start+len(as))
			at = start + len(alias)
		}
		rest := data[at:]
		trimmed := bytes.TrimLeft(rest, " \t")
		if len(trimmed) == 0 || trimmed[0] != ',' {
			return
		}
		at += len(rest) - len(trimmed) + 1
	}
}

// distributions are packages whose modules have other names, and packages whose modules are all known to have theirs.
// Of others it can't be said that they are not imported: a distribution may provide whatever it likes
// (https://packaging.python.org/en/latest/discussions/distribution-package-vs-import-package/).
var distributions = map[string][]string{
	"aiohttp": nil, "ansible-core": {"ansible"}, "attrs": {"attr", "attrs"}, "babel": {"babel"}, "beautifulsoup4": {"bs4"}, "bleach": nil, "boto3": nil,
	"botocore": nil, "celery": nil, "certifi": nil, "cryptography": nil, "django": nil, "djangorestframework": {"rest_framework"}, "dnspython": {"dns"},
	"ecdsa": nil, "fastapi": nil, "flask": nil, "flask-cors": {"flask_cors"}, "gitpython": {"git"}, "gradio": nil, "grpcio": {"grpc"}, "h11": nil, "h2": nil,
	"httpx": nil, "idna": nil, "jinja2": nil, "joblib": nil, "keras": nil, "langchain": nil, "lxml": nil, "mako": nil, "markdown": nil, "markdown2": nil,
	"mlflow": nil, "mysqlclient": {"MySQLdb"}, "nltk": nil, "numpy": nil, "oauthlib": nil, "onnx": nil, "opencv-python": {"cv2"}, "orjson": nil, "pandas": nil,
	"paramiko": nil, "pillow": {"PIL"}, "protobuf": {"google.protobuf"}, "psycopg2": nil, "psycopg2-binary": {"psycopg2"}, "pyarrow": nil,
	"pycrypto": {"Crypto"}, "pycryptodome": {"Crypto"}, "pydantic": nil, "pygments": nil, "pyjwt": {"jwt"}, "pymongo": {"pymongo", "bson", "gridfs"},
	"pymysql": nil, "pyopenssl": {"OpenSSL"}, "pyspark": nil, "python-dateutil": {"dateutil"}, "python-jose": {"jose"}, "python-multipart": {"multipart", "python_multipart"},
	"pytorch-lightning": {"pytorch_lightning"}, "pyyaml": {"yaml"}, "pyzmq": {"zmq"}, "redis": nil, "reportlab": nil, "requests": nil, "rsa": nil,
	"scikit-learn": {"sklearn"}, "scipy": nil, "scrapy": nil, "sentry-sdk": {"sentry_sdk"}, "simplejson": nil, "sqlalchemy": nil, "sqlparse": nil, "starlette": nil,
	"tensorflow": nil, "torch": nil, "tornado": nil, "tqdm": nil, "transformers": nil, "twisted": nil, "ujson": nil, "urllib3": nil, "waitress": nil,
	"websockets": nil, "werkzeug": nil, "xmltodict": nil,
}

func pythonModules(name string) ([]string, bool) {
	normal := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
	own, known := distributions[normal]
	if len(own) > 0 {
		return own, true
	}
	return []string{strings.ReplaceAll(normal, "-", "_"), name}, known
}
