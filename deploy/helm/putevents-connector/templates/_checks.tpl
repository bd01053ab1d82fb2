{{- /* Values that contradict each other are refused here: each message says what was expected, and what to do. */ -}}
{{- define "putevents.checks" -}}
{{- include "putevents.checkPod" . -}}
{{- include "putevents.checkServer" . -}}
{{- include "putevents.checkIdentity" . -}}
{{- include "putevents.checkMembership" . -}}
{{- if .Values.keda.enabled }}{{ include "putevents.checkKeda" . }}{{ end -}}
{{- end -}}

{{- define "putevents.checkPod" -}}
{{- $least := add (include "putevents.shutdownSeconds" .) 10 -}}
{{- if lt (include "putevents.grace" . | int64) $least -}}
{{- fail (printf "terminationGracePeriodSeconds: expected at least %d, which is delivery.shutdown_timeout and 10 s for the last commit, not %s: raise it, leave it out, or lower delivery.shutdown_timeout" $least (include "putevents.grace" .)) -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not (include "putevents.kafkaPorts" . | fromYamlArray)) -}}
{{- fail "networkPolicy.kafkaPorts: expected the ports of the brokers, since kafka.bootstrap_servers comes out of a Secret or a file: set networkPolicy.kafkaPorts, such as [9096]" -}}
{{- end -}}
{{- end -}}

{{- define "putevents.checkServer" -}}
{{- $port := include "putevents.port" . -}}
{{- if or (not (regexMatch "^[1-9][0-9]{0,4}$" $port)) (gt (int64 $port) 65535) -}}
{{- fail "config: expected a server.port from 1 to 65535 that is known when the chart is rendered, since probes and Prometheus ask there: write it into the file, or set it under env" -}}
{{- end -}}
{{- range include "putevents.kafkaPorts" . | fromYamlArray -}}
{{- if or (lt (int64 .) 1) (gt (int64 .) 65535) -}}
{{- fail (printf "kafka.bootstrap_servers: expected a port from 1 to 65535, not %d: correct it" (int64 .)) -}}
{{- end -}}
{{- end -}}
{{- $server := include "putevents.section" (list . "server") | fromYaml -}}
{{- if has (include "putevents.resolve" (list . ($server.host | default "*"))) (list "127.0.0.1" "localhost" "::1" "[::1]") -}}
{{- fail "config: expected a server.host that the kubelet can reach, not a loopback address: leave server.host out" -}}
{{- end -}}
{{- end -}}

{{- define "putevents.checkIdentity" -}}
{{- if and .Values.aws.irsaRoleArn .Values.aws.podIdentity -}}
{{- fail "aws: expected one way to a role, not both irsaRoleArn and podIdentity: with both, the one that boto3 finds first would win; unset one" -}}
{{- end -}}
{{- if not .Values.serviceAccount.create -}}
{{- if not .Values.serviceAccount.name -}}
{{- fail "serviceAccount.name: expected the name of a service account that exists, since serviceAccount.create is false: set one of them" -}}
{{- end -}}
{{- if .Values.aws.irsaRoleArn -}}
{{- fail "aws.irsaRoleArn: expected serviceAccount.create to be true, since the role is an annotation of the service account: annotate yours with eks.amazonaws.com/role-arn and unset aws.irsaRoleArn" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "putevents.checkMembership" -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- $id := index ($kafka.librdkafka | default dict) "group.instance.id" -}}
{{- if .Values.staticMembership.enabled -}}
{{- if not (and (kindIs "map" $id) (eq ($id.env | default "") "POD_NAME")) -}}
{{- fail "staticMembership: expected group.instance.id to be the name of the pod: write `group.instance.id: {env: POD_NAME}` under kafka.librdkafka of your file" -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]" (include "putevents.fullname" .)) -}}
{{- fail (printf "fullnameOverride: expected a name that begins with a letter, as a Service has to, not %s: set fullnameOverride" (include "putevents.fullname" .)) -}}
{{- end -}}
{{- if .Values.keda.enabled -}}
{{- fail "staticMembership: expected a fixed number of replicas, not keda: partitions of a static member that scaling took away stay unread until its session ends; disable one of them" -}}
{{- end -}}
{{- else if $id -}}
{{- fail "kafka.librdkafka: expected no group.instance.id in a Deployment, whose pods change their names at every rollout: set staticMembership.enabled to true, or take it out" -}}
{{- end -}}
{{- end -}}

{{- define "putevents.checkKeda" -}}
{{- $keda := .Values.keda -}}
{{- $most := int64 $keda.maxReplicaCount -}}
{{- if lt (int64 $keda.partitions) 1 -}}
{{- fail "keda.partitions: expected the number of partitions of all topics that are read, since more replicas than that would idle: set it" -}}
{{- end -}}
{{- if gt $most (int64 $keda.partitions) -}}
{{- fail (printf "keda.maxReplicaCount: expected at most %d, which is keda.partitions, not %d: more members than partitions idle; lower it, or add partitions" (int64 $keda.partitions) $most) -}}
{{- end -}}
{{- if lt $most (int64 $keda.minReplicaCount) -}}
{{- fail (printf "keda.maxReplicaCount: expected at least %d, which is keda.minReplicaCount, not %d: raise it, or lower keda.minReplicaCount" (int64 $keda.minReplicaCount) $most) -}}
{{- end -}}
{{- $delivery := include "putevents.section" (list . "delivery") | fromYaml -}}
{{- $rate := include "putevents.resolve" (list . ($delivery.requests_per_second | default 1000)) | float64 -}}
{{- $quota := float64 $keda.callsPerSecondQuota -}}
{{- if gt (mulf $rate $most) $quota -}}
{{- fail (printf "keda.maxReplicaCount: expected delivery.requests_per_second times it to be at most %.0f calls/s, which is keda.callsPerSecondQuota, not %.0f: beyond it replicas only throttle each other; set delivery.requests_per_second to %.0f, or lower keda.maxReplicaCount, or raise the quota where AWS has raised yours" $quota (mulf $rate $most) (floor (divf $quota $most))) -}}
{{- end -}}
{{- $kafka := include "putevents.section" (list . "kafka") | fromYaml -}}
{{- if not (has (include "putevents.offsetReset" .) (list "earliest" "latest")) -}}
{{- fail "keda: expected kafka.auto_offset_reset to be earliest or latest, which is all that KEDA knows: change it, or disable keda" -}}
{{- end -}}
{{- $type := include "putevents.authType" . -}}
{{- $tls := $kafka.tls | default dict -}}
{{- if not $keda.authenticationRef -}}
{{- if ne $type "none" -}}
{{- fail "keda.authenticationRef: expected the name of a TriggerAuthentication, since kafka.auth is set and KEDA has to log in, too: make one and name it" -}}
{{- else if or $tls.cert_file $tls.ca_file -}}
{{- fail "keda.authenticationRef: expected the name of a TriggerAuthentication, since KEDA has not the files that kafka.tls names: make one with the same ca, and cert and key where there are any, and name it" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $type "msk_iam") (not (include "putevents.mskRegion" .)) -}}
{{- fail "keda: expected the region of the cluster, which KEDA needs for tokens of MSK: set kafka.auth.region in the file, or env.AWS_REGION" -}}
{{- end -}}
{{- end -}}
