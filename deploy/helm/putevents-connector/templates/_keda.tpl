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

{{- /*
The topics as a YAML list, each a trigger of its own: without a topic KEDA looks at those that the group has committed
to, and at every topic of the cluster while there are none. That is left where a pattern says which topics there are.
*/ -}}
{{- define "putevents.kedaTopics" -}}
{{- $config := include "putevents.config" . | fromYaml -}}
{{- $topics := list -}}
{{- range $config.pipelines }}{{ $topics = concat $topics (.topics | default list) }}{{ end -}}
{{- $named := true -}}
{{- range $topics }}{{ if hasPrefix "^" . }}{{ $named = false }}{{ end }}{{ end -}}
{{- $named | ternary (uniq $topics) (list "") | toYaml -}}
{{- end -}}

{{- /*
Pods; empty where that is left to KEDA. A number that is taken out of a manifest becomes 1 at once, so as long as there is
a Deployment its own number stays in; whoever renders without a cluster sees none.
*/ -}}
{{- define "putevents.replicas" -}}
{{- if .Values.keda.enabled -}}
{{- $there := lookup "apps/v1" "Deployment" .Release.Namespace (include "putevents.fullname" .) | default dict -}}
{{- with $there.spec }}{{ if hasKey . "replicas" }}{{ int64 .replicas }}{{ end }}{{ end -}}
{{- else -}}
{{- int64 .Values.replicas -}}
{{- end -}}
{{- end -}}
