{{- define "odigos-stress.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "odigos-stress.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What is of no namespace: two releases of one name may live in two. */}}
{{- define "odigos-stress.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "odigos-stress.fullname" .) }}
{{- end }}

{{- /* A CronJob's name is 52 characters at most, as its Jobs append eleven. */}}
{{- define "odigos-stress.cronJobName" -}}
{{- $name := printf "%s-%s" (include "odigos-stress.fullname" .root) .name }}
{{- if gt (len $name) 52 }}
{{- fail (printf "name CronJob %s: found %d characters, want at most 52: shorten the night's name, or set fullnameOverride" $name (len $name)) }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "odigos-stress.selectorLabels" -}}
app.kubernetes.io/name: {{ include "odigos-stress.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "odigos-stress.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "odigos-stress.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/part-of: odigos-stress
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "odigos-stress.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "odigos-stress.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "odigos-stress.image" -}}
{{- $image := .Values.image }}
{{- $repository := required "set image.repository: found nothing, want the tool's image in a registry of yours, such as registry.example.com/odigos-stress: none is published, docs/kubernetes.md says how to build and push one" $image.repository }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}
