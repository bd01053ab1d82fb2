#compdef putevents
# Completion of putevents for zsh, made by `make completions`.

_putevents_run() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    ':CONFIG:_files'
}

_putevents_init() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--from[one of segment, rudderstack, ga4, snowplow, debezium, cloudevents, shop, flat]:SOURCE:(segment rudderstack ga4 snowplow debezium cloudevents shop flat)' \
    '*--sample[sample records, of which the first 1,000 are read]:FILE:_files' \
    '*--member[with --sample]:NAME=EXPRESSION: ' \
    '*-o[write the file here]:FILE:_files' \
    '*--output[write the file here]:FILE:_files' \
    '*--force[replace FILE where it exists]'
}

_putevents_validate() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--format[text for people, json for programs (an array on stdout), github for annotations]:FORMAT:(text json github)' \
    '*--deny-warnings[exit 78 for warnings, too]' \
    '*:CONFIG:_files'
}

_putevents_map() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--pipeline[which pipeline]:P: ' \
    '*--explain[also which rules were tried, and what made each member]' \
    '*--output[text for people, or a JSON object a line]:OUTPUT:(text json)' \
    '*--strict[exit 1 if any record would go to the dead letters]' \
    '*--records[a line is a record]' \
    '*--encoding[what a line is]:ENCODING:(text base64 hex binary)' \
    '*--kcat-format[lines as kcat -f FORMAT prints them, as in '\''%T\\t%k\\t%h\\t%s'\'']:FORMAT: ' \
    '*--input[read records from a file]:FILE:_files' \
    '*--topic[the topic of records that name none]:T: ' \
    '*--value[its value, in the --encoding]:TEXT: ' \
    '*--key[its key]:TEXT: ' \
    '*--header[a header]:NAME=TEXT: ' \
    '*--timestamp[milliseconds, or a time as 2026-11-24T08]:TIME: ' \
    ':CONFIG:_files'
}

_putevents_test() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*-k[only tests whose name contains this text]:NAME: ' \
    '*--update[write what was found in the place of what was expected]' \
    '*--coverage[list the parts of the mapping that no test uses]' \
    '*--min-coverage[exit 1 if coverage is below N percent]:N: ' \
    '*--junit[also write the results as JUnit XML]:FILE:_files' \
    '*--output[how results are shown]:OUTPUT:(text json)' \
    '*:CONFIG:_files'
}

_putevents_plan() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*-o[which records of the topics]:START\[\:END\]: ' \
    '*--offset[which records of the topics]:START\[\:END\]: ' \
    '*-n[compare N records at most]:N: ' \
    '*--pipeline[send every record through the pipeline of this name]:P: ' \
    '*--input[records from a file instead of the topics, - is stdin]:FILE:_files' \
    '*--records[a line is a record]' \
    '*--encoding[what a line is]:ENCODING:(text base64 hex binary)' \
    '*--fail-on[exit 1 if one of these is found]:LIST: ' \
    '*--show-values[show values of records, which may identify people]' \
    '*--output[how the plan is shown]:OUTPUT:(text json markdown)' \
    ':OLD:_files' \
    ':NEW:_files'
}

_putevents_tap() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*-o[where to read]:START\[\:END\]: ' \
    '*--offset[where to read]:START\[\:END\]: ' \
    '*-n[end after N records were shown]:N: ' \
    '*--sample[show only every K-th record of these]:K: ' \
    '*--outcome[show only records that end so]:OUTCOME:(mapped skipped filtered dead_letter)' \
    '*--rule[show only records that this rule takes]:R: ' \
    '*--reason[show only records that are skipped or invalid for this reason]:R: ' \
    '*--show-values[show values, which may identify people]' \
    '*--output[json]:OUTPUT:(text json)' \
    ':CONFIG:_files'
}

_putevents_lag() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--watch[go on until Ctrl-C]' \
    '*--interval[time between two looks]:D: ' \
    '*--output[json]:OUTPUT:(text json)' \
    ':CONFIG:_files'
}

_putevents_check() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--wait[look again until all is well, for so long]:TIME: ' \
    '*--output[short prints only what is wrong]:OUTPUT:(text json short)' \
    '*--send-test-event[send one event of this type to each tracking id of the file]:TYPE: ' \
    ':CONFIG:_files'
}

_putevents_play() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--sample[sample records]:FILE:_files' \
    '*--port[port on 127.0.0.1]:N: ' \
    ':CONFIG:_files'
}

_putevents_dlq() {
  local curcontext=$curcontext state line
  local -a commands=(
    'list:letters by reason, rule, member and topic\: how many, since when'
    'show:one letter with its error, and what the current mapping makes of it'
    'replay:letters through the current mapping; a dry run unless --execute is given'
    'export:letters as JSON lines for `putevents map --records`'
    'to-test:the smallest record that still fails for the same reason, added to `tests\:`'
  )
  _arguments -C \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest) case $words[1] in
      list) _putevents_dlq_list ;;
      show) _putevents_dlq_show ;;
      replay) _putevents_dlq_replay ;;
      export) _putevents_dlq_export ;;
      to-test) _putevents_dlq_to_test ;;
    esac ;;
  esac
}

_putevents_dlq_list() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--output[how the result is shown]:OUTPUT:(text json)' \
    '*--reason[those with this reason, such as missing_member]:REASON: ' \
    '*--rule[those of this rule]:RULE: ' \
    '*--member[those with this invalid member, such as sessionId]:MEMBER: ' \
    '*--topic[those whose record came from this topic]:TOPIC: ' \
    '*--since[from there on]:POSITION: ' \
    '*--until[before that position]:POSITION: ' \
    '*--partition[those in this partition of the dead-letter topic]:PARTITION: ' \
    '*--offset[the one at this offset of that partition]:OFFSET: ' \
    '*--key[those with exactly this key]:TEXT: ' \
    '*--key-base64[the same for a key that is no text]:BASE64: ' \
    '*--again[also those that were replayed before]' \
    ':CONFIG:_files'
}

_putevents_dlq_show() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--output[how the result is shown]:OUTPUT:(text json)' \
    '*--show-values[show keys, values and headers as they are]' \
    '*--reason[those with this reason, such as missing_member]:REASON: ' \
    '*--rule[those of this rule]:RULE: ' \
    '*--member[those with this invalid member, such as sessionId]:MEMBER: ' \
    '*--topic[those whose record came from this topic]:TOPIC: ' \
    '*--since[from there on]:POSITION: ' \
    '*--until[before that position]:POSITION: ' \
    '*--partition[those in this partition of the dead-letter topic]:PARTITION: ' \
    '*--offset[the one at this offset of that partition]:OFFSET: ' \
    '*--key[those with exactly this key]:TEXT: ' \
    '*--key-base64[the same for a key that is no text]:BASE64: ' \
    '*--again[also those that were replayed before]' \
    ':CONFIG:_files' \
    ':PARTITION\:OFFSET: '
}

_putevents_dlq_replay() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--execute[do it]' \
    '*--to[putevents]:TO:(putevents topic)' \
    '*--rate[letters a second, 0.1 or more]:RATE: ' \
    '*--max-replays[leave letters that were replayed N times and failed again]:N: ' \
    '*--look[look through N records of the source at most for newer events of the same sessions (dry run) and newer versions of the same users, items and actions]:N: ' \
    '*--allow-older[also send users, items and actions of which it is not known whether a newer version was delivered]' \
    '*--output[how the result is shown]:OUTPUT:(text json)' \
    '*--reason[those with this reason, such as missing_member]:REASON: ' \
    '*--rule[those of this rule]:RULE: ' \
    '*--member[those with this invalid member, such as sessionId]:MEMBER: ' \
    '*--topic[those whose record came from this topic]:TOPIC: ' \
    '*--since[from there on]:POSITION: ' \
    '*--until[before that position]:POSITION: ' \
    '*--partition[those in this partition of the dead-letter topic]:PARTITION: ' \
    '*--offset[the one at this offset of that partition]:OFFSET: ' \
    '*--key[those with exactly this key]:TEXT: ' \
    '*--key-base64[the same for a key that is no text]:BASE64: ' \
    '*--again[also those that were replayed before]' \
    ':CONFIG:_files'
}

_putevents_dlq_export() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--to[write there, in a file that only you can read]:FILE:_files' \
    '*--show-values[write records to a terminal, too]' \
    '*--reason[those with this reason, such as missing_member]:REASON: ' \
    '*--rule[those of this rule]:RULE: ' \
    '*--member[those with this invalid member, such as sessionId]:MEMBER: ' \
    '*--topic[those whose record came from this topic]:TOPIC: ' \
    '*--since[from there on]:POSITION: ' \
    '*--until[before that position]:POSITION: ' \
    '*--partition[those in this partition of the dead-letter topic]:PARTITION: ' \
    '*--offset[the one at this offset of that partition]:OFFSET: ' \
    '*--key[those with exactly this key]:TEXT: ' \
    '*--key-base64[the same for a key that is no text]:BASE64: ' \
    '*--again[also those that were replayed before]' \
    ':CONFIG:_files'
}

_putevents_dlq_to_test() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--whole[keep all members, with people'\''s values replaced]' \
    '*--print[print the new file instead of writing it]' \
    '*--show-values[keep values that the failure needs, though they may be a person'\''s]' \
    '*--reason[those with this reason, such as missing_member]:REASON: ' \
    '*--rule[those of this rule]:RULE: ' \
    '*--member[those with this invalid member, such as sessionId]:MEMBER: ' \
    '*--topic[those whose record came from this topic]:TOPIC: ' \
    '*--since[from there on]:POSITION: ' \
    '*--until[before that position]:POSITION: ' \
    '*--partition[those in this partition of the dead-letter topic]:PARTITION: ' \
    '*--offset[the one at this offset of that partition]:OFFSET: ' \
    '*--key[those with exactly this key]:TEXT: ' \
    '*--key-base64[the same for a key that is no text]:BASE64: ' \
    '*--again[also those that were replayed before]' \
    ':CONFIG:_files' \
    ':PARTITION\:OFFSET: '
}

_putevents_export() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--to[a new folder, here or in Amazon S3]:DIR|s3\://…: ' \
    '*--dataset[whose rows]:DATASET:(interactions users items actions action-interactions)' \
    '*-o[what to read]:START\[\:END\]: ' \
    '*--offset[what to read]:START\[\:END\]: ' \
    '*--until[read up to the offsets of an earlier export'\''s cutover.json]:FILE:_files' \
    '*--target[rows for this tracking id or dataset ARN]:ID: ' \
    '*--max-bytes[bytes of a file]:N: ' \
    '*--work[with s3]:DIR:_files' \
    '*--output[how the summary is shown]:OUTPUT:(text json)' \
    ':CONFIG:_files'
}

_putevents_offsets() {
  local curcontext=$curcontext state line
  local -a commands=(
    'set:commit the offsets of an export'\''s cutover.json for the group of the file, so that `run` begins there'
  )
  _arguments -C \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest) case $words[1] in
      set) _putevents_offsets_set ;;
    esac ;;
  esac
}

_putevents_offsets_set() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--dry-run[show what would be committed, and commit nothing]' \
    '*--force[also where the group has other offsets, or the export names another group]' \
    ':CONFIG:_files' \
    ':CUTOVER: '
}

_putevents_demo() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--records[how many records]:N: ' \
    '*--rate[records a second]:N: ' \
    '*--seed[another seed gives other records]:N: ' \
    '*--keep[keep logs, records and accepted events, and print their folder]'
}

_putevents_endpoint() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--host[address to listen on]:HOST: ' \
    '*--port[port to listen on, from 0 to 65535]:PORT: ' \
    '*--access-key[accept only this access key, and verify signatures in full]:KEY: ' \
    '*--secret-key[the secret of --access-key]:SECRET: ' \
    '*--tracking-id[a tracking id that exists]:ID: ' \
    '*--dataset-arn[the ARN of a dataset that exists]:ARN: ' \
    '*--strict[refuse events that the service accepts and ignores]' \
    '*--quota[PutEvents calls a second]:N: ' \
    '*--quota-of[the same of another operation, such as PutItems=10, which is AWS'\''s]:OPERATION=N: ' \
    '*--latency[time to a response]:TIME: ' \
    '*--fail-rate[respond with 500 or 503]:RATE: ' \
    '*--reset-rate[reset the connection, accept nothing]:RATE: ' \
    '*--reset-after-rate[accept the call, then reset the connection]:RATE: ' \
    '*--hang-rate[never respond, accept nothing]:RATE: ' \
    '*--poison-prefix[refuse a call with an event whose itemId starts with TEXT]:TEXT: ' \
    '*--seed[seed of the random numbers]:N: ' \
    '*--ids[count distinct and repeated event ids (about 130 bytes each)]' \
    '*--ledger[keep every event in memory for /_local/accepted]' \
    '*--log[append every event to a file of JSON lines]:PATH: '
}

_putevents_broker() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    '*--brokers[how many brokers]:N: ' \
    '*--topic[a topic to create, with one partition unless a number is given]:NAME\[\:PARTITIONS\]: ' \
    '*--quiet[print no messages on stderr]'
}

_putevents_print_config() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    ':CONFIG:_files'
}

_putevents_schema() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]'
}

_putevents_explain() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    ':CODE: '
}

_putevents_completion() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]' \
    ':SHELL:(bash zsh fish)'
}

_putevents_version() {
  _arguments -s \
    '*-h[show this help]' \
    '*--help[show this help]'
}

_putevents() {
  local curcontext=$curcontext state line
  local -a commands=(
    'run:run the connector until SIGTERM or SIGINT'
    'init:a first file, from a preset or from sample records'
    'validate:check files\: everything that needs no network'
    'map:dry run\: records in on stdin, PutEvents calls out'
    'test:run the tests of files through their mappings, and report what differs'
    'plan:what a change of a file changes, on real records, before it runs'
    'tap:real records of the topics and what becomes of them; joins no group, commits nothing'
    'lag:how far the group is behind, and whether it catches up'
    'check:try everything that a run needs\: brokers, rights, topics, AWS'
    'play:a mapping and its result side by side in the browser, on loopback'
    'dlq:the dead letters\: list, show, replay, export, make tests of them'
    'export:history as files for a bulk import, by the same mapping'
    'offsets:where the group begins\: after an export, for one'
    'demo:a shop'\''s clickstream through the real connector, on a broker and an endpoint of its own'
    'endpoint:a local PutEvents endpoint\: enforces every service limit; faults can be injected'
    'broker:a local Kafka broker in memory, for trials and tests'
    'print-config:the effective file\: defaults filled in, secrets masked'
    'schema:the JSON Schema of the file, for editors'
    'explain:what a code means that validate, a dead letter or an exit gave'
    'completion:completion of commands and options for bash, zsh or fish'
    'version:versions of the connector and of its libraries'
  )
  _arguments -C \
    '(- *)'{-h,--help}'[show this help]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest) case $words[1] in
      run) _putevents_run ;;
      init) _putevents_init ;;
      validate) _putevents_validate ;;
      map) _putevents_map ;;
      test) _putevents_test ;;
      plan) _putevents_plan ;;
      tap) _putevents_tap ;;
      lag) _putevents_lag ;;
      check) _putevents_check ;;
      play) _putevents_play ;;
      dlq) _putevents_dlq ;;
      export) _putevents_export ;;
      offsets) _putevents_offsets ;;
      demo) _putevents_demo ;;
      endpoint) _putevents_endpoint ;;
      broker) _putevents_broker ;;
      print-config) _putevents_print_config ;;
      schema) _putevents_schema ;;
      explain) _putevents_explain ;;
      completion) _putevents_completion ;;
      version) _putevents_version ;;
    esac ;;
  esac
}

if [[ $funcstack[1] == _putevents ]]; then
  _putevents "$@"
else
  compdef _putevents putevents
fi
