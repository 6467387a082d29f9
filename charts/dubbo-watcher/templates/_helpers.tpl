{{/* The name of everything in the release. */}}
{{- define "dubbo-watcher.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "dubbo-watcher.selectorLabels" -}}
app.kubernetes.io/name: dubbo-watcher
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dubbo-watcher.labels" -}}
{{ include "dubbo-watcher.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: dubbo-k8s
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "dubbo-watcher.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "dubbo-watcher.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ required "serviceAccount.name: name a ServiceAccount that is there, or let serviceAccount.create be true" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "dubbo-watcher.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The namespaces to read, as a JSON list; empty for all of them. */}}
{{- define "dubbo-watcher.namespaces" -}}
{{- if .Values.allNamespaces -}}
{{- if .Values.namespaces -}}
{{- fail "namespaces and allNamespaces exclude each other: leave one of them out" -}}
{{- end -}}
[]
{{- else -}}
{{ default (list .Release.Namespace) .Values.namespaces | toJson }}
{{- end -}}
{{- end -}}

{{/* What no container of ours needs is taken from it. */}}
{{- define "dubbo-watcher.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The Secret with the certificate; empty where clients are served in plain. */}}
{{- define "dubbo-watcher.tls" -}}
{{- if eq .Values.auth "kubernetes" -}}
{{ required "tls.secretName: tokens must not cross the network in plain, so auth: kubernetes needs a Secret with tls.crt and tls.key" .Values.tls.secretName }}
{{- end -}}
{{- end -}}

{{- define "dubbo-watcher.scheme" -}}
{{ if include "dubbo-watcher.tls" . }}https{{ else }}http{{ end }}
{{- end -}}
