package inventory

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRedacted(t *testing.T) {
	at := Location{}
	text := func(s string) Value { return StringValue(s, at) }
	object := func(fields ...Field) Value { return MapValue(fields, at) }
	const canary = "hunter2"
	secret := text(canary)
	database := &Resource{Type: "aws_db_instance", Language: Terraform, Values: object(
		Field{"master_password", secret}, Field{"username", text("admin")}, Field{"manage_master_user_password", BoolValue(true, at)},
		Field{"user_data", secret}, Field{"metadata_options", ListValue([]Value{object(Field{"http_tokens", text("required")})}, at)},
		Field{"environment", ListValue([]Value{object(Field{"name", text("DB_PASSWORD")}, Field{"value", secret}), object(Field{"name", text("PORT")}, Field{"value", text("80")})}, at)},
		Field{"container_definitions", text(`[{"environment": [{"name": "API_TOKEN", "value": "` + canary + `"}]}]`)},
		Field{"tags", object(Field{"Name", text("db")})},
	)}
	object1 := &Resource{Type: "v1/Secret", Language: Kubernetes, Values: object(Field{"data", object(Field{"tls.crt", secret})}, Field{"metadata", object(Field{"name", text("certificate")})})}
	for _, r := range []*Resource{database, object1} {
		before, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(r.Redacted())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(shown), canary) {
			t.Errorf("%s shows a secret: %s", r.Type, shown)
		}
		if after, err := json.Marshal(r); err != nil || string(after) != string(before) {
			t.Errorf("%s itself changed", r.Type)
		}
	}
	shown := database.Redacted()
	for _, keep := range [][]string{{"username"}, {"metadata_options", "http_tokens"}, {"tags", "Name"}} {
		if v := shown.Get(keep...); v.IsSensitive() || v.IsNull() {
			t.Errorf("%v is hidden without need", keep)
		}
	}
	if _, ok := shown.Get("manage_master_user_password").Bool(); !ok || shown.Get("manage_master_user_password").IsSensitive() {
		t.Error("a setting about a password is no secret")
	}
	if v := shown.Get("environment").Elements()[1].Get("value"); v.IsSensitive() {
		t.Error("a port is no secret")
	}
}
