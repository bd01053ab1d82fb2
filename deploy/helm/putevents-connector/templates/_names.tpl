{{- define "putevents.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Room is left for what is appended: the hash of the configuration, and a pod's own suffix. */ -}}
{{- define "putevents.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains (include "putevents.name" .) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "putevents.name" .) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "putevents.serviceAccountName" -}}
{{- default (include "putevents.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "putevents.configName" -}}
{{- printf "%s-%s" (include "putevents.fullname" .) (include "putevents.config" . | sha256sum | trunc 10) -}}
{{- end -}}

{{- define "putevents.selector" -}}
app.kubernetes.io/name: {{ include "putevents.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "putevents.labels" -}}
{{ include "putevents.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "putevents.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}
