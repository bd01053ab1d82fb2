{{- define "putevents.authType" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- ($kafka.auth | default dict).type | default "none" -}}
{{- end -}}

{{- define "putevents.offsetReset" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- include "putevents.resolve" (list . ($kafka.auto_offset_reset | default "earliest")) -}}
{{- end -}}

{{- /* Region of the cluster, for tokens of MSK; empty where that cannot be known here. */ -}}
{{- define "putevents.mskRegion" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- $region := ($kafka.auth | default dict).region | default (dict "env" "AWS_REGION") -}}
{{- include "putevents.resolve" (list . $region) -}}
{{- end -}}

{{- /* KEDA logs in as the connector does; who it is, is in the TriggerAuthentication. */ -}}
{{- define "putevents.kedaSecurity" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- $type := include "putevents.authType" . -}}
{{- $mechanism := include "putevents.resolve" (list . (($kafka.auth | default dict).mechanism | default "SCRAM-SHA-512")) -}}
{{- $scram := $mechanism | lower | replace "scram-sha-" "scram_sha" -}}
{{- $sasl := index (dict "plain" "plaintext" "scram" $scram "oidc" "oauthbearer" "msk_iam" "oauthbearer" "none" "none") $type -}}
{{- $tls := $kafka.tls | default dict -}}
{{- $implied := or (ne $type "none") (not (empty $tls.ca_file)) (not (empty $tls.cert_file)) -}}
{{- $enabled := kindIs "bool" $tls.enabled | ternary $tls.enabled $implied -}}
{{- $security := dict "tls" ($enabled | ternary "enable" "disable") -}}
{{- if ne $sasl "none" }}{{ $_ := set $security "sasl" $sasl }}{{ end -}}
{{- if eq $type "msk_iam" -}}
{{- $security = merge $security (dict "saslTokenProvider" "aws_msk_iam" "awsRegion" (include "putevents.mskRegion" .)) -}}
{{- end -}}
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
