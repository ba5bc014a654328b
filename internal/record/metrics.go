package record

// A Metric is the canonical name of what an actor says of itself, the same whatever
// the collector's version. Counters are cumulative.
type Metric string

// The gateway's metrics. Spans, unless the name says otherwise; sums over all
// exporters and receivers that the load passes.
const (
	ReceiverAccepted      Metric = "receiver_accepted_spans"
	ReceiverRefused       Metric = "receiver_refused_spans"
	ReceiverFailed        Metric = "receiver_failed_spans"
	ProcessorRefused      Metric = "processor_refused_spans" // memory_limiter
	ExporterSent          Metric = "exporter_sent_spans"
	ExporterSendFailed    Metric = "exporter_send_failed_spans"
	ExporterEnqueueFailed Metric = "exporter_enqueue_failed_spans"
	QueueSize             Metric = "exporter_queue_size"
	QueueCapacity         Metric = "exporter_queue_capacity"
	// AdmissionRejections counts requests that were refused before decoding.
	AdmissionRejections Metric = "admission_rejected_requests"
	// SamplerDropped is of probabilistic_sampler, TailDropped and TailEvicted of
	// tail_sampling: by its decision, and before one could be made.
	SamplerDropped  Metric = "probabilistic_sampler_dropped_spans"
	TailDropped     Metric = "tail_sampling_dropped_traces"
	TailEvicted     Metric = "tail_sampling_evicted_traces"
	BatchSizeSum    Metric = "batch_send_size_sum"
	BatchSizeCount  Metric = "batch_send_size_count"
	BatchByTimeout  Metric = "batch_timeout_trigger_sends"
	BatchBySize     Metric = "batch_size_trigger_sends"
	ProcessingSum   Metric = "processor_internal_duration_seconds_sum"
	ProcessingCount Metric = "processor_internal_duration_seconds_count"
	ExportCallSum   Metric = "export_call_duration_seconds_sum"
	ExportCallCount Metric = "export_call_duration_seconds_count"
	ProcessCPU      Metric = "process_cpu_seconds"
	ProcessRSS      Metric = "process_memory_rss_bytes"
	HeapAlloc       Metric = "process_runtime_heap_alloc_bytes"
	RuntimeSys      Metric = "process_runtime_total_sys_memory_bytes"
	Uptime          Metric = "process_uptime_seconds"
)

// What the Go runtime of an actor says of itself. GoMemory is all that GOMEMLIMIT
// bounds: memory mapped by the runtime less what was given back. GoHeapLive is what
// the last collection found in use, the trough of the sawtooth.
const (
	GoHeapLive   Metric = "go_heap_live_bytes"
	GoHeapGoal   Metric = "go_heap_goal_bytes"
	GoMemory     Metric = "go_memory_bytes"
	GoMemLimit   Metric = "go_memory_limit_bytes"
	GoGCCycles   Metric = "go_gc_cycles"
	GoGCCPU      Metric = "go_gc_cpu_seconds"
	GoGCPause    Metric = "go_gc_pause_seconds"
	GoMaxProcs   Metric = "go_max_procs"
	GoGoroutines Metric = "go_goroutines"
)

// The load generator's metrics.
const (
	LoadTarget           Metric = "target_rate" // spans/s that the schedule asks now
	LoadDue              Metric = "due_spans"
	LoadUnsent           Metric = "unsent_spans"
	LoadAcknowledged     Metric = "acknowledged_spans"
	LoadRefusedRetryable Metric = "refused_retryable_spans"
	LoadRefusedPermanent Metric = "refused_permanent_spans"
	LoadRejectedInPart   Metric = "rejected_in_part_spans"
	LoadUnknown          Metric = "unknown_spans"
	LoadDropped          Metric = "dropped_spans"
	LoadAttempts         Metric = "attempted_spans"
	LoadEncodedBytes     Metric = "encoded_bytes"
	LoadWireBytes        Metric = "wire_bytes"
	LoadInFlight         Metric = "in_flight_requests"
	// Quantiles over the last second, in seconds.
	LoadAnswerP50   Metric = "answer_p50_seconds"
	LoadAnswerP99   Metric = "answer_p99_seconds"
	LoadLatenessP50 Metric = "lateness_p50_seconds"
	LoadLatenessP99 Metric = "lateness_p99_seconds"
)

// The backend's metrics.
const (
	BackendUnique    Metric = "unique_spans"
	BackendDuplicate Metric = "duplicate_spans"
	BackendFailed    Metric = "failed_spans"
	BackendForeign   Metric = "foreign_spans"
	BackendDecoded   Metric = "decoded_bytes"
	BackendWire      Metric = "wire_bytes"
	BackendRequests  Metric = "requests"
	// BackendLate counts answers given scenario.LateAnswer or more after they were to be.
	BackendLate        Metric = "late_answers"
	BackendInFlight    Metric = "in_flight_requests"
	BackendConnections Metric = "connections"
	BackendLatencyP50  Metric = "latency_p50_seconds"
	BackendLatencyP90  Metric = "latency_p90_seconds"
	BackendLatencyP99  Metric = "latency_p99_seconds"
	BackendLatencyMax  Metric = "latency_max_seconds"
)
