{{- define "putevents.authType" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- ($kafka.auth | default dict).type | default "none" -}}
{{- end -}}

{{- define "putevents.offsetReset" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- include "putevents.resolve" (list . ($kafka.auto_offset_reset | default "earliest")) -}}
{{- end -}}

{{- /* KEDA logs in as the connector does; who it is, is in the TriggerAuthentication. */ -}}
{{- define "putevents.kedaSecurity" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- $type := include "putevents.authType" . -}}
{{- $mechanism := include "putevents.resolve" (list . (($kafka.auth | default dict).mechanism | default "SCRAM-SHA-512")) -}}
{{- $scram := $mechanism | lower | replace "scram-sha-" "scram_sha" -}}
{{- $sasl := index (dict "plain" "plaintext" "scram" $scram "oidc" "oauthbearer" "msk_iam" "aws_msk_iam" "none" "none") $type -}}
{{- $tls := $kafka.tls | default dict -}}
{{- $implied := or (ne $type "none") (not (empty $tls.ca_file)) (not (empty $tls.cert_file)) -}}
{{- $enabled := kindIs "bool" $tls.enabled | ternary $tls.enabled $implied -}}
{{- $security := dict "tls" ($enabled | ternary "enable" "disable") -}}
{{- if ne $sasl "none" }}{{ $_ := set $security "sasl" $sasl }}{{ end -}}
{{- toYaml $security -}}
{{- end -}}

{{- /* The topic where there is one; without, KEDA looks at all topics of the group. */ -}}
{{- define "putevents.kedaTopic" -}}
{{- $config := include "putevents.config" . | fromYaml -}}
{{- $topics := list -}}
{{- range $config.pipelines }}{{ $topics = concat $topics (.topics | default list) }}{{ end -}}
{{- $topics = uniq $topics -}}
{{- if and (eq (len $topics) 1) (not (hasPrefix "^" (first $topics))) }}{{ first $topics }}{{ end -}}
{{- end -}}
