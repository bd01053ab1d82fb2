#!/bin/sh
# Checks a change of putevents.yaml against the version at BASE, a revision of git. Exit 1 stops the merge.
#   sh check.sh origin/main
# FAIL_ON says which consequences stop it, see `putevents plan --help`. A change that is meant is let through with
# fewer of them: FAIL_ON=dead_letters sh check.sh origin/main
set -eu
base=${1:-origin/main}

putevents validate --deny-warnings putevents.yaml
putevents test putevents.yaml --coverage --junit junit.xml

git rev-parse --verify --quiet "$base^{commit}" > /dev/null ||
  { echo "expected a revision of this repository, not $base: fetch it first" >&2; exit 1; }
if ! git cat-file -e "$base:./putevents.yaml" 2> /dev/null; then
  echo "$base has no putevents.yaml: there is nothing to compare with" | tee plan.md
  exit 0
fi

code=0
putevents plan "$base:putevents.yaml" putevents.yaml --input samples.jsonl \
  --fail-on "${FAIL_ON:-event_ids,dead_letters,tracking_id,quota}" --output markdown > plan.md || code=$?
cat plan.md
exit "$code"
