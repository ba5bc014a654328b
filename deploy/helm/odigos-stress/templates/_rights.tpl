{{- /* What a run asks for in its namespace. A test holds it against the tool's own list. */}}
{{- define "odigos-stress.rules.run" -}}
- {apiGroups: [""], resources: [configmaps, services], verbs: [get, create, patch, delete]}
- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, patch, delete]}
- {apiGroups: [batch], resources: [jobs], verbs: [get, create, patch, delete]}
- {apiGroups: [""], resources: [pods], verbs: [get, list, watch, create, patch, delete]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
- {apiGroups: [""], resources: [pods/proxy], verbs: [get, create]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [list, watch]}
{{- if .Values.rbac.metrics }}
- {apiGroups: [metrics.k8s.io], resources: [pods], verbs: [get]}
{{- end }}
{{- end }}

{{- /* What a namespace of its own takes, and what cleanup does. */}}
{{- define "odigos-stress.rules.namespaces" -}}
- {apiGroups: [""], resources: [namespaces], verbs: [get, create, patch, delete]}
{{- if .Values.cleanup.schedule }}
- {apiGroups: [""], resources: [namespaces], verbs: [list]}
- {apiGroups: [batch], resources: [jobs], verbs: [list]}
{{- end }}
{{- end }}

{{- define "odigos-stress.rules.nodes" -}}
{{- if .Values.rbac.nodes }}
- {apiGroups: [""], resources: [nodes], verbs: [list, watch]}
{{- end }}
{{- if .Values.rbac.nodesProxy }}
- {apiGroups: [""], resources: [nodes/proxy], verbs: [get]}
{{- end }}
{{- end }}

{{- define "odigos-stress.rules.clone" -}}
- {apiGroups: [apps], resources: [deployments], verbs: [get]}
- {apiGroups: [""], resources: [configmaps], verbs: [get]}
- {apiGroups: [""], resources: [pods], verbs: [list]}
- {apiGroups: [""], resources: [pods/proxy], verbs: [get]}
- {apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [list]}
{{- end }}

{{- /* What an installation of Odigos takes that is the gateway itself, beside reading it. */}}
{{- define "odigos-stress.rules.inPlace" -}}
- {apiGroups: [""], resources: [configmaps], verbs: [create, update, delete]}
- {apiGroups: [""], resources: [pods], verbs: [get, watch, delete]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
- {apiGroups: [""], resources: [pods/proxy], verbs: [create]}
- {apiGroups: [""], resources: [services], verbs: [get]}
- {apiGroups: [""], resources: [events], verbs: [create]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
- {apiGroups: [odigos.io], resources: [destinations], verbs: [get, list, create, update, delete]}
- {apiGroups: [odigos.io], resources: [collectorsgroups], verbs: [get]}
- {apiGroups: [odigos.io], resources: [processors, actions, samplings], verbs: [get, create, delete]}
# What is told of it while a run lasts.
- {apiGroups: [""], resources: [events], verbs: [list, watch]}
- {apiGroups: [apps], resources: [deployments], verbs: [list, watch]}
- {apiGroups: [autoscaling], resources: [horizontalpodautoscalers], verbs: [watch]}
{{- if .Values.rbac.metrics }}
- {apiGroups: [metrics.k8s.io], resources: [pods], verbs: [get]}
{{- end }}
# Of the Job that gives the installation back if nobody comes. It may do no more than these rules.
- {apiGroups: [""], resources: [serviceaccounts], verbs: [create]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [create]}
- {apiGroups: [batch], resources: [jobs], verbs: [create]}
{{- end }}

{{- /* Whether workloads send to it. */}}
{{- define "odigos-stress.rules.live" -}}
- {apiGroups: [odigos.io], resources: [sources, instrumentationconfigs], verbs: [list]}
{{- end }}

{{- /*
A role and its binding to the tool's service account: dict "root" $, "name", "rules", and
"namespace" where it is no ClusterRole.
*/}}
{{- define "odigos-stress.role" -}}
{{- $kind := empty .namespace | ternary "ClusterRole" "Role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "odigos-stress.labels" .root | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "odigos-stress.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "odigos-stress.serviceAccountName" .root }}
    namespace: {{ .root.Release.Namespace }}
{{ end }}
