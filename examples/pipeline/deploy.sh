#!/bin/sh
# Brings an environment to a commit: deploy.sh ENVIRONMENT COMMIT. Both platforms call it.
set -eu
terraform -chdir=infra init -input=false -backend-config="key=shop/$1.tfstate"
terraform -chdir=infra apply -input=false -auto-approve -var-file="env/$1.tfvars" -var="image_tag=$2"
