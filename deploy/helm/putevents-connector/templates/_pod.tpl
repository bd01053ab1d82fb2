{{- define "putevents.podTemplate" -}}
metadata:
  labels:
    {{- include "putevents.selector" . | nindent 4 }}
    app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "putevents.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "putevents.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "putevents.grace" . }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpread.enabled }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $.Values.topologySpread.whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "putevents.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  initContainers:
    - name: validate
      args: [validate, /etc/putevents/config.yaml]
      {{- include "putevents.container" . | nindent 6 }}
  containers:
    - name: connector
      args: [run, /etc/putevents/config.yaml]
      {{- include "putevents.container" . | nindent 6 }}
      ports:
        - name: http
          containerPort: {{ include "putevents.port" . }}
          protocol: TCP
      # It waits 15 s for a broker, alive, and ends with 69 by itself where none answers: two minutes outlast that wait.
      startupProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 2
        failureThreshold: 60
        timeoutSeconds: 5
      # Longer than a restart in place for new certificates takes, the wait for a broker included.
      livenessProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 10
        failureThreshold: 4
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        failureThreshold: 3
        timeoutSeconds: 5
  volumes:
    - name: config
      configMap:
        name: {{ include "putevents.configName" . }}
    {{- range $folder, $secret := .Values.secrets.files }}
    - name: secret-{{ $folder }}
      secret:
        secretName: {{ $secret }}
        defaultMode: 0440
    {{- end }}
{{- end -}}

{{- /* The same for both, so that what is validated is what runs. */ -}}
{{- define "putevents.container" -}}
image: {{ include "putevents.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if or .Values.env .Values.secrets.env .Values.staticMembership.enabled }}
env:
  {{- if .Values.staticMembership.enabled }}
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  {{- end }}
  {{- range $name, $value := .Values.env }}
  - name: {{ $name }}
    value: {{ include "putevents.text" $value | quote }}
  {{- end }}
  {{- range $name, $secret := .Values.secrets.env }}
  - name: {{ $name }}
    valueFrom:
      secretKeyRef:
        name: {{ $secret.name }}
        key: {{ $secret.key }}
  {{- end }}
{{- end }}
# The last lines of the log say why it ended: kubectl describe pod shows them.
terminationMessagePolicy: FallbackToLogsOnError
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - name: config
    mountPath: /etc/putevents
    readOnly: true
  {{- range $folder, $secret := .Values.secrets.files }}
  - name: secret-{{ $folder }}
    mountPath: /etc/putevents-secrets/{{ $folder }}
    readOnly: true
  {{- end }}
{{- end -}}
