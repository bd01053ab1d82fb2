{{- /* The connector's file, as text: what the ConfigMap holds. */ -}}
{{- define "putevents.config" -}}
{{- if .Values.configFile -}}
{{- .Values.configFile -}}
{{- else -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.staticMembership.enabled -}}
{{- $kafka := $config.kafka | default dict -}}
{{- $ours := dict "group.instance.id" (dict "env" "POD_NAME") -}}
{{- $theirs := $kafka.librdkafka | default dict -}}
{{- if ne (index $theirs "group.protocol" | default "classic" | toString) "consumer" -}}
{{- $_ := set $ours "session.timeout.ms" (int64 .Values.staticMembership.sessionTimeoutMs) -}}
{{- end -}}
{{- $_ := set $kafka "librdkafka" (mergeOverwrite $ours $theirs) -}}
{{- $_ := set $config "kafka" $kafka -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
{{- end -}}

{{- /* A section of it, as YAML; empty where it is left out. Takes (list $ "kafka"). */ -}}
{{- define "putevents.section" -}}
{{- $config := include "putevents.config" (index . 0) | fromYaml -}}
{{- if $config.Error -}}
{{- fail "configFile: expected the connector's YAML file, not a text that is no YAML mapping: give it with --set-file configFile=config.yaml, and ask `putevents validate config.yaml` what is wrong with it" -}}
{{- end -}}
{{- index $config (index . 1) | default dict | toYaml -}}
{{- end -}}

{{- /*
What a setting is when the pod runs, as text: itself, or what {env: NAME, default: …} comes to. Empty where that
cannot be known here, as with a Secret. Takes (list $ setting).
*/ -}}
{{- define "putevents.resolve" -}}
{{- $root := index . 0 -}}
{{- $setting := index . 1 -}}
{{- if kindIs "map" $setting -}}
{{- if and $setting.env (hasKey $root.Values.env $setting.env) -}}
{{- include "putevents.text" (index $root.Values.env $setting.env) -}}
{{- else if and (hasKey $setting "default") (not (hasKey $root.Values.secrets.env ($setting.env | default ""))) -}}
{{- include "putevents.text" $setting.default -}}
{{- end -}}
{{- else -}}
{{- include "putevents.text" $setting -}}
{{- end -}}
{{- end -}}

{{- /* Helm reads every number as a float, and would write a million as 1e+06. */ -}}
{{- define "putevents.text" -}}
{{- if kindIs "float64" . -}}
{{- if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else if not (kindIs "invalid" .) -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "putevents.port" -}}
{{- $server := include "putevents.section" (list . "server") | fromYaml -}}
{{- include "putevents.resolve" (list . ($server.port | default 8080)) -}}
{{- end -}}

{{- /* Whole seconds, rounded up. */ -}}
{{- define "putevents.shutdownSeconds" -}}
{{- $delivery := include "putevents.section" (list . "delivery") | fromYaml -}}
{{- $text := include "putevents.resolve" (list . ($delivery.shutdown_timeout | default "25s")) -}}
{{- if not (regexMatch "^[0-9.]+(ms|s|m|h)$" $text) -}}
{{- fail "config: expected a delivery.shutdown_timeout such as 25s that is known when the chart is rendered, since the pod's grace period follows from it: write it into the file, or set it under env" -}}
{{- end -}}
{{- $factor := index (dict "ms" 0.001 "s" 1 "m" 60 "h" 3600) (regexFind "[a-z]+$" $text) -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) $factor | ceil | int64 -}}
{{- end -}}

{{- define "putevents.grace" -}}
{{- $needed := include "putevents.shutdownSeconds" . | int64 -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add $needed 15 -}}
{{- else -}}
{{- int64 .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{- /* host:port,host:port; empty where it comes out of a Secret or a file. */ -}}
{{- define "putevents.bootstrap" -}}
{{- $root := . -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- $found := list -}}
{{- $servers := $kafka.bootstrap_servers -}}
{{- if kindIs "slice" $servers -}}
{{- range $servers }}{{ $found = append $found (include "putevents.resolve" (list $root .)) }}{{ end -}}
{{- else -}}
{{- $found = append $found (include "putevents.resolve" (list $root $servers)) -}}
{{- end -}}
{{- if not (has "" $found) }}{{ join "," $found | nospace }}{{ end -}}
{{- end -}}

{{- /* A list, as YAML. */ -}}
{{- define "putevents.kafkaPorts" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.kafkaPorts }}{{ $ports = append $ports (int64 .) }}{{ end -}}
{{- if not $ports -}}
{{- range splitList "," (include "putevents.bootstrap" .) -}}
{{- if . }}{{ $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default "9092" | int64) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- uniq $ports | toYaml -}}
{{- end -}}

{{- /*
Ports of the schema registry other than 443, as YAML: those of its URL, or of each of a list. One that comes out of a
Secret or a file is not known here: networkPolicy.extraEgress is for that.
*/ -}}
{{- define "putevents.registryPorts" -}}
{{- $root := . -}}
{{- $registry := include "putevents.section" (list . "schema_registry") | fromYaml -}}
{{- $urls := $registry.url | default list -}}
{{- if not (kindIs "slice" $urls) }}{{ $urls = list $urls }}{{ end -}}
{{- $ports := list -}}
{{- range $setting := $urls -}}
{{- range splitList "," (include "putevents.resolve" (list $root $setting) | nospace) -}}
{{- if . -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (ternary "80" "443" (hasPrefix "http://" .)) | int64) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- without (uniq $ports) (int64 443) | toYaml -}}
{{- end -}}
