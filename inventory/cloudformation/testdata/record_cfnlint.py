#!/usr/bin/env python3
"""Records what cfn-lint says about templates: the type of each resource, and whether it is created with the default
values of the parameters. Transforms (SAM, loops) are applied by cfn-lint.

    record_cfnlint.py FOLDER... >cfnlint.json

Made with cfn-lint 1.51. Ids of SAM that end with a hash are written without it.
"""
import json
import os
import re
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from cfnlint.decode import decode
from cfnlint.rules import Rules
from cfnlint.template import Template

HASHED = {
    "AWS::ApiGateway::Deployment": r"^(.*Deployment)[0-9a-f]{10}$",
    "AWS::Lambda::Version": r"^(.*Version)[0-9a-f]{10}$",
    "AWS::Lambda::LayerVersion": r"^(.*)[0-9a-f]{10}$",
}


def transforms(template):
    names = template.get("Transform", [])
    return names if isinstance(names, list) else [names]


def exists(cfn, condition, defaults):
    """yes, no, maybe or undecided, which is beyond cfn-lint"""
    if condition is None:
        return "yes"
    try:
        true = cfn.conditions.satisfiable({condition: True}, defaults)
        false = cfn.conditions.satisfiable({condition: False}, defaults)
    except Exception:
        return "undecided"
    return {(True, False): "yes", (False, True): "no"}.get((true, false), "maybe")


def record(path):
    template, problems = decode(path)
    if problems or not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        return None
    sam = "AWS::Serverless-2016-10-31" in transforms(template)
    cfn = Template(path, template, ["eu-west-1"])
    if template.get("Transform"):
        problems = cfn.transform()
        if problems:
            print(path, problems, file=sys.stderr)
            return None
    defaults = {}
    for name, parameter in (template.get("Parameters") or {}).items():
        if "Default" in parameter and not str(parameter["Type"]).startswith("AWS::SSM"):
            defaults[name] = str(parameter["Default"])
    resources = {}
    for name, resource in cfn.template["Resources"].items():
        if name.startswith("Fn::") or "Type" not in resource:
            continue
        kind = resource["Type"]
        if sam and kind in HASHED:
            match = re.match(HASHED[kind], name)
            name = match.group(1) if match else name
        resources[name] = [kind, exists(cfn, resource.get("Condition"), defaults)]
    return resources


def main():
    found = {}
    for folder in sys.argv[1:]:
        for at, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if not name.endswith((".yaml", ".yml", ".json", ".template")):
                    continue
                path = os.path.join(at, name)
                with open(path) as f:
                    text = f.read()
                if "AWS::" not in text or "Resources" not in text:
                    continue
                resources = record(path)
                if resources:
                    key = os.path.join(os.path.basename(os.path.normpath(folder)), os.path.relpath(path, folder))
                    found[key] = dict(sorted(resources.items()))
    json.dump(found, sys.stdout, indent=0, sort_keys=True)
    print()


main()
