{{- define "auditsieve.pod" -}}
metadata:
  labels:
    {{- include "auditsieve.labels" . | nindent 4 }}
  annotations:
    # Another configuration is another pod.
    checksum/config: {{ include "auditsieve.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "auditsieve.name" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # A SIGTERM drains: what is in flight is delivered or comes again.
  terminationGracePeriodSeconds: 90
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.affinity }}
  affinity:
    {{- toYaml .Values.affinity | nindent 4 }}
  {{- else if and (eq .Values.role "node") (not .Values.nodeSelector) }}
  # Whatever the label's value is: kubeadm gives it none, k3s and RKE2 "true".
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
          - matchExpressions: [{ key: node-role.kubernetes.io/control-plane, operator: Exists }]
  {{- end }}
  {{- if .Values.tolerations }}
  tolerations:
    {{- toYaml .Values.tolerations | nindent 4 }}
  {{- else if eq .Values.role "node" }}
  # Taints of control planes: kubeadm's, RKE2's, and k3s' as its documentation gives it.
  tolerations:
    - { key: node-role.kubernetes.io/control-plane, operator: Exists }
    - { key: node-role.kubernetes.io/etcd, operator: Exists }
    - { key: CriticalAddonsOnly, operator: Exists }
  {{- end }}
  {{- if and (eq .Values.role "stream") (gt (int .Values.replicas) 1) }}
  # One node that is gone takes one replica along.
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "auditsieve.selector" . | nindent 10 }}
  {{- end }}
  securityContext:
    {{- if eq .Values.role "node" }}
    # uid 0 owns the apiserver's 0600 log; it has no capability and can write to its state only.
    runAsUser: 0
    runAsGroup: 0
    {{- else }}
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    {{- end }}
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: auditsieve
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy | default "IfNotPresent" }}
      args: [ingest, -c, /etc/auditsieve/auditsieve.yaml{{ if .Values.secretFiles }}, --watch-files, "60"{{ end }}]
      {{- with .Values.secret }}
      envFrom:
        - secretRef: { name: {{ . }} }
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      {{- with .Values.ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if and .Values.service.enabled (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version) }}
      # It goes on answering until nobody sends to its address any more.
      lifecycle:
        preStop:
          sleep: { seconds: 5 }
      {{- end }}
      {{- with .Values.livenessProbe }}
      livenessProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.readinessProbe }}
      readinessProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: configuration, mountPath: /etc/auditsieve, readOnly: true }
        {{- if .Values.secretFiles }}
        - { name: files, mountPath: /etc/auditsieve-files, readOnly: true }
        {{- end }}
        - { name: state, mountPath: {{ .Values.stateFolder | quote }} }
        {{- if eq .Values.role "node" }}
        - { name: audit-log, mountPath: {{ .Values.auditLogFolder | quote }}, readOnly: true }
        {{- end }}
  volumes:
    - name: configuration
      configMap: { name: {{ include "auditsieve.name" . }} }
    {{- with .Values.secretFiles }}
    - name: files
      # The group of role stream reads it, and uid 0 of role node owns it.
      secret: { secretName: {{ . }}, defaultMode: 0440 }
    {{- end }}
    {{- if not .Values.stateStorage.size }}
    - name: state
      {{- if eq .Values.role "node" }}
      hostPath: { path: {{ .Values.stateFolder | quote }}, type: DirectoryOrCreate }
      {{- else if .Values.stateClaim }}
      persistentVolumeClaim: { claimName: {{ .Values.stateClaim }} }
      {{- else }}
      emptyDir: {}
      {{- end }}
    {{- end }}
    {{- if eq .Values.role "node" }}
    - name: audit-log
      hostPath: { path: {{ .Values.auditLogFolder | quote }}, type: Directory }
    {{- end }}
{{- end }}

{{- define "auditsieve.config" -}}
{{ toYaml (merge (dict "cluster" .Values.cluster) .Values.config) }}
{{- end }}
