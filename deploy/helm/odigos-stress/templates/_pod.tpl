{{- /*
The pod of one command: dict "root" $, "args" what is typed after odigos-stress, "deadline" in
seconds or none, "noResults" where there are none to keep. It passes the restricted pod security
standard.
*/}}
{{- define "odigos-stress.podSpec" -}}
{{- $values := .root.Values -}}
restartPolicy: Never
serviceAccountName: {{ include "odigos-stress.serviceAccountName" .root }}
automountServiceAccountToken: true
# They would set variables such as ODIGOS_STRESS_PORT.
enableServiceLinks: false
{{- with .deadline }}
activeDeadlineSeconds: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds | int }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
nodeSelector:
  {{- merge (dict) $values.nodeSelector (dict "kubernetes.io/os" "linux") | toYaml | nindent 2 }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: odigos-stress
    image: {{ include "odigos-stress.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args:
      {{- toYaml .args | nindent 6 }}
    {{- if $values.scenarios }}
    workingDir: /scenarios
    {{- end }}
    terminationMessagePolicy: FallbackToLogsOnError
    env:
      - {name: HOME, value: /tmp}
      - {name: ODIGOS_STRESS_ENVIRONMENT, value: kubernetes}
      - {name: ODIGOS_STRESS_IMAGE, value: {{ include "odigos-stress.image" .root | quote }}}
      {{- with $values.namespace }}
      - {name: ODIGOS_STRESS_NAMESPACE, value: {{ . | quote }}}
      {{- end }}
      {{- if $values.pods }}
      - {name: ODIGOS_STRESS_PODS, value: /pods/pods.yaml}
      {{- end }}
      - {name: ODIGOS_STRESS_RESULTS, value: /results}
      {{- if not $values.rbac.clone.enabled }}
      # The gateway of the scenario, whatever there is in the cluster.
      - {name: ODIGOS_STRESS_GATEWAY, value: scenario}
      {{- end }}
      {{- with $values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: results, mountPath: /results}
      {{- if $values.scenarios }}
      - {name: scenarios, mountPath: /scenarios, readOnly: true}
      {{- end }}
      {{- if $values.pods }}
      - {name: pods, mountPath: /pods, readOnly: true}
      {{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  - name: results
    {{- if and $values.results.existingClaim (not .noResults) }}
    persistentVolumeClaim:
      claimName: {{ $values.results.existingClaim }}
    {{- else }}
    emptyDir:
      sizeLimit: {{ $values.results.sizeLimit }}
    {{- end }}
  {{- if $values.scenarios }}
  - name: scenarios
    configMap:
      name: {{ include "odigos-stress.fullname" .root }}-scenarios
  {{- end }}
  {{- if $values.pods }}
  - name: pods
    configMap:
      name: {{ include "odigos-stress.fullname" .root }}-pods
  {{- end }}
{{- end }}

{{- /* The pod's metadata: dict "root" $, "component" what it is for. */}}
{{- define "odigos-stress.podMetadata" -}}
labels:
  {{- include "odigos-stress.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
