# Completion of putevents for bash, made by `make completions`.
_putevents() {
  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" path="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path${path:+ }$word" in
      "run"|"init"|"validate"|"map"|"test"|"plan"|"tap"|"lag"|"check"|"play"|"dlq"|"dlq list"|"dlq show"|"dlq replay"|"dlq export"|"dlq to-test"|"export"|"offsets"|"offsets set"|"demo"|"endpoint"|"broker"|"print-config"|"schema"|"explain"|"completion"|"version") path="$path${path:+ }$word" ;;
    esac
  done
  local options="" words="" files=""
  case "$path" in
    "") words="run init validate map test plan tap lag check play dlq export offsets demo endpoint broker print-config schema explain completion version" ;;
    "run") options="-h --help" words="" files=yes ;;
    "init") options="-h --help --from --sample --member -o --output --force" words="" files= ;;
    "validate") options="-h --help --format --deny-warnings" words="" files=yes ;;
    "map") options="-h --help --pipeline --explain --output --strict --records --encoding --kcat-format --input --topic --value --key --header --timestamp" words="" files=yes ;;
    "test") options="-h --help -k --update --coverage --min-coverage --junit --output" words="" files=yes ;;
    "plan") options="-h --help -o --offset -n --pipeline --input --records --encoding --fail-on --show-values --output" words="" files=yes ;;
    "tap") options="-h --help -o --offset -n --sample --outcome --rule --reason --show-values --output" words="" files=yes ;;
    "lag") options="-h --help --watch --interval --output" words="" files=yes ;;
    "check") options="-h --help --wait --output --send-test-event" words="" files=yes ;;
    "play") options="-h --help --sample --port" words="" files=yes ;;
    "dlq") options="-h --help" words="list show replay export to-test" files= ;;
    "dlq list") options="-h --help --output --reason --rule --member --topic --since --until --partition --offset --key --key-base64 --again" words="" files=yes ;;
    "dlq show") options="-h --help --output --show-values --reason --rule --member --topic --since --until --partition --offset --key --key-base64 --again" words="" files=yes ;;
    "dlq replay") options="-h --help --execute --to --rate --max-replays --look --allow-older --output --reason --rule --member --topic --since --until --partition --offset --key --key-base64 --again" words="" files=yes ;;
    "dlq export") options="-h --help --to --show-values --reason --rule --member --topic --since --until --partition --offset --key --key-base64 --again" words="" files=yes ;;
    "dlq to-test") options="-h --help --whole --print --show-values --reason --rule --member --topic --since --until --partition --offset --key --key-base64 --again" words="" files=yes ;;
    "export") options="-h --help --to --dataset -o --offset --until --target --max-bytes --work --output" words="" files=yes ;;
    "offsets") options="-h --help" words="set" files= ;;
    "offsets set") options="-h --help --dry-run --force" words="" files=yes ;;
    "demo") options="-h --help --records --rate --seed --keep" words="" files= ;;
    "endpoint") options="-h --help --host --port --access-key --secret-key --tracking-id --dataset-arn --strict --quota --quota-of --latency --fail-rate --reset-rate --reset-after-rate --hang-rate --poison-prefix --seed --ids --ledger --log" words="" files= ;;
    "broker") options="-h --help --brokers --topic --quiet" words="" files= ;;
    "print-config") options="-h --help" words="" files=yes ;;
    "schema") options="-h --help" words="" files= ;;
    "explain") options="-h --help" words="" files= ;;
    "completion") options="-h --help" words="bash zsh fish" files= ;;
    "version") options="-h --help" words="" files= ;;
  esac
  case "$path $before" in
    "init --from") words="segment rudderstack ga4 snowplow debezium cloudevents shop flat" files= ;;
    "init --sample") words="" files=yes ;;
    "init --member") words="" files= ;;
    "init -o"|"init --output") words="" files=yes ;;
    "validate --format") words="text json github" files= ;;
    "map --pipeline") words="" files= ;;
    "map --output") words="text json" files= ;;
    "map --encoding") words="text base64 hex binary" files= ;;
    "map --kcat-format") words="" files= ;;
    "map --input") words="" files=yes ;;
    "map --topic") words="" files= ;;
    "map --value") words="" files= ;;
    "map --key") words="" files= ;;
    "map --header") words="" files= ;;
    "map --timestamp") words="" files= ;;
    "test -k") words="" files= ;;
    "test --min-coverage") words="" files= ;;
    "test --junit") words="" files=yes ;;
    "test --output") words="text json" files= ;;
    "plan -o"|"plan --offset") words="" files= ;;
    "plan -n") words="" files= ;;
    "plan --pipeline") words="" files= ;;
    "plan --input") words="" files=yes ;;
    "plan --encoding") words="text base64 hex binary" files= ;;
    "plan --fail-on") words="" files= ;;
    "plan --output") words="text json markdown" files= ;;
    "tap -o"|"tap --offset") words="" files= ;;
    "tap -n") words="" files= ;;
    "tap --sample") words="" files= ;;
    "tap --outcome") words="mapped skipped filtered dead_letter" files= ;;
    "tap --rule") words="" files= ;;
    "tap --reason") words="" files= ;;
    "tap --output") words="text json" files= ;;
    "lag --interval") words="" files= ;;
    "lag --output") words="text json" files= ;;
    "check --wait") words="" files= ;;
    "check --output") words="text json short" files= ;;
    "check --send-test-event") words="" files= ;;
    "play --sample") words="" files=yes ;;
    "play --port") words="" files= ;;
    "dlq list --output") words="text json" files= ;;
    "dlq list --reason") words="" files= ;;
    "dlq list --rule") words="" files= ;;
    "dlq list --member") words="" files= ;;
    "dlq list --topic") words="" files= ;;
    "dlq list --since") words="" files= ;;
    "dlq list --until") words="" files= ;;
    "dlq list --partition") words="" files= ;;
    "dlq list --offset") words="" files= ;;
    "dlq list --key") words="" files= ;;
    "dlq list --key-base64") words="" files= ;;
    "dlq show --output") words="text json" files= ;;
    "dlq show --reason") words="" files= ;;
    "dlq show --rule") words="" files= ;;
    "dlq show --member") words="" files= ;;
    "dlq show --topic") words="" files= ;;
    "dlq show --since") words="" files= ;;
    "dlq show --until") words="" files= ;;
    "dlq show --partition") words="" files= ;;
    "dlq show --offset") words="" files= ;;
    "dlq show --key") words="" files= ;;
    "dlq show --key-base64") words="" files= ;;
    "dlq replay --to") words="putevents topic" files= ;;
    "dlq replay --rate") words="" files= ;;
    "dlq replay --max-replays") words="" files= ;;
    "dlq replay --look") words="" files= ;;
    "dlq replay --output") words="text json" files= ;;
    "dlq replay --reason") words="" files= ;;
    "dlq replay --rule") words="" files= ;;
    "dlq replay --member") words="" files= ;;
    "dlq replay --topic") words="" files= ;;
    "dlq replay --since") words="" files= ;;
    "dlq replay --until") words="" files= ;;
    "dlq replay --partition") words="" files= ;;
    "dlq replay --offset") words="" files= ;;
    "dlq replay --key") words="" files= ;;
    "dlq replay --key-base64") words="" files= ;;
    "dlq export --to") words="" files=yes ;;
    "dlq export --reason") words="" files= ;;
    "dlq export --rule") words="" files= ;;
    "dlq export --member") words="" files= ;;
    "dlq export --topic") words="" files= ;;
    "dlq export --since") words="" files= ;;
    "dlq export --until") words="" files= ;;
    "dlq export --partition") words="" files= ;;
    "dlq export --offset") words="" files= ;;
    "dlq export --key") words="" files= ;;
    "dlq export --key-base64") words="" files= ;;
    "dlq to-test --reason") words="" files= ;;
    "dlq to-test --rule") words="" files= ;;
    "dlq to-test --member") words="" files= ;;
    "dlq to-test --topic") words="" files= ;;
    "dlq to-test --since") words="" files= ;;
    "dlq to-test --until") words="" files= ;;
    "dlq to-test --partition") words="" files= ;;
    "dlq to-test --offset") words="" files= ;;
    "dlq to-test --key") words="" files= ;;
    "dlq to-test --key-base64") words="" files= ;;
    "export --to") words="" files= ;;
    "export --dataset") words="interactions users items actions action-interactions" files= ;;
    "export -o"|"export --offset") words="" files= ;;
    "export --until") words="" files=yes ;;
    "export --target") words="" files= ;;
    "export --max-bytes") words="" files= ;;
    "export --work") words="" files=yes ;;
    "export --output") words="text json" files= ;;
    "demo --records") words="" files= ;;
    "demo --rate") words="" files= ;;
    "demo --seed") words="" files= ;;
    "endpoint --host") words="" files= ;;
    "endpoint --port") words="" files= ;;
    "endpoint --access-key") words="" files= ;;
    "endpoint --secret-key") words="" files= ;;
    "endpoint --tracking-id") words="" files= ;;
    "endpoint --dataset-arn") words="" files= ;;
    "endpoint --quota") words="" files= ;;
    "endpoint --quota-of") words="" files= ;;
    "endpoint --latency") words="" files= ;;
    "endpoint --fail-rate") words="" files= ;;
    "endpoint --reset-rate") words="" files= ;;
    "endpoint --reset-after-rate") words="" files= ;;
    "endpoint --hang-rate") words="" files= ;;
    "endpoint --poison-prefix") words="" files= ;;
    "endpoint --seed") words="" files= ;;
    "endpoint --log") words="" files= ;;
    "broker --brokers") words="" files= ;;
    "broker --topic") words="" files= ;;
  esac
  if [[ $current == -* ]]; then words="$options" files=""; fi
  local IFS=$'\n'
  COMPREPLY=( $(compgen -W "${words// /$'\n'}" -- "$current") )
  if [[ $files ]]; then COMPREPLY+=( $(compgen -f -- "$current") ); fi
}
complete -o filenames -F _putevents putevents
