package record

// Units of metrics.
const (
	spans     = "spans"
	traces    = "traces"
	requests  = "requests"
	sizeBytes = "bytes"
	seconds   = "seconds"
)

// metricColumns is every metric, with its unit and meaning. Counters are cumulative
// since the start of their process.
var metricColumns = []metricColumn{
	{Gateway, ReceiverAccepted, spans, "accepted by the OTLP receivers, counter"},
	{Gateway, ReceiverRefused, spans, "refused by the OTLP receivers since the pipeline refused them, counter"},
	{Gateway, ReceiverFailed, spans, "failed in the OTLP receivers by an error of their own, counter"},
	{Gateway, ProcessorRefused, spans, "refused by a memory_limiter processor, counter"},
	{Gateway, ExporterSent, spans, "delivered by the exporters, as they count, counter"},
	{Gateway, ExporterSendFailed, spans, "given up by the exporters after all tries, counter"},
	{Gateway, ExporterEnqueueFailed, spans, "not taken by a sending queue, counter"},
	{Gateway, QueueSize, "queue units", "waiting in the sending queues (requests, unless the queue is configured otherwise)"},
	{Gateway, QueueCapacity, "queue units", "room in the sending queues"},
	{Gateway, AdmissionRejections, requests, "refused before decoding, for want of memory (Odigos, and the extension memory_admission), counter"},
	{Gateway, SamplerDropped, spans, "dropped by the decision of a probabilistic_sampler, counter"},
	{Gateway, TailDropped, traces, "dropped by the decision of a tail_sampling, counter"},
	{Gateway, TailEvicted, traces, "dropped by a tail_sampling before it decided, for want of room or since they were too large, counter"},
	{Gateway, BatchSizeSum, spans, "sum of the sizes of batches sent, over all batch processors: three in a row count a span three times, counter"},
	{Gateway, BatchSizeCount, "batches", "batches sent, over all batch processors, counter"},
	{Gateway, BatchByTimeout, "batches", "batches sent since their time was up, counter"},
	{Gateway, BatchBySize, "batches", "batches sent since they were full, counter"},
	{Gateway, ProcessingSum, seconds, "time spent inside processors of traces, counter"},
	{Gateway, ProcessingCount, "calls", "calls of processors of traces, counter"},
	{Gateway, ExportCallSum, seconds, "duration of export calls of traces, counter"},
	{Gateway, ExportCallCount, "calls", "export calls of traces, counter"},
	{Gateway, ProcessCPU, seconds, "CPU time as the process tells it, counter"},
	{Gateway, ProcessRSS, sizeBytes, "resident memory as the process tells it"},
	{Gateway, HeapAlloc, sizeBytes, "bytes of live and not yet swept heap objects"},
	{Gateway, RuntimeSys, sizeBytes, "memory that the Go runtime has from the system"},
	{Gateway, Uptime, seconds, "since the process started"},

	{Loadgen, LoadTarget, "spans per second", "rate that the schedule asks now"},
	{Loadgen, LoadDue, spans, "due by the schedule so far, counter"},
	{Loadgen, LoadUnsent, spans, "due and not sent, since all workers were busy or the run ended, counter"},
	{Loadgen, LoadAcknowledged, spans, "answered with success, counter"},
	{Loadgen, LoadRefusedRetryable, spans, "answered with an error that may be tried again, counter"},
	{Loadgen, LoadRefusedPermanent, spans, "answered with an error that may not, counter"},
	{Loadgen, LoadRejectedInPart, spans, "of requests answered with a partial success, counter"},
	{Loadgen, LoadUnknown, spans, "not answered: deadline passed or connection cut, counter"},
	{Loadgen, LoadDropped, spans, "given up inside the SDK engine, counter"},
	{Loadgen, LoadAttempts, spans, "put on the wire, retries included, counter"},
	{Loadgen, LoadEncodedBytes, sizeBytes, "request bodies before compression, counter"},
	{Loadgen, LoadWireBytes, sizeBytes, "request bodies after compression, counter"},
	{Loadgen, LoadInFlight, requests, "sent and not answered yet"},
	{Loadgen, LoadAnswerP50, seconds, "from due time to answer, median since the row before"},
	{Loadgen, LoadAnswerP99, seconds, "from due time to answer, 99th percentile since the row before"},
	{Loadgen, LoadLatenessP50, seconds, "from due time to sending, median since the row before"},
	{Loadgen, LoadLatenessP99, seconds, "from due time to sending, 99th percentile since the row before"},
	{Loadgen, ProcessCPU, seconds, "CPU time as the process tells it, counter"},
	{Loadgen, ProcessRSS, sizeBytes, "resident memory as the process tells it"},
	{Loadgen, HeapAlloc, sizeBytes, "bytes of live and not yet swept heap objects"},

	{Backend, BackendUnique, spans, "ours, arrived for the first time and accepted, counter"},
	{Backend, BackendDuplicate, spans, "ours, accepted beyond the first time, counter"},
	{Backend, BackendFailed, spans, "answered with failure, as told, counter"},
	{Backend, BackendForeign, spans, "not ours, counter"},
	{Backend, BackendDecoded, sizeBytes, "request bodies after decompression, counter"},
	{Backend, BackendWire, sizeBytes, "request bodies as they came, counter"},
	{Backend, BackendRequests, requests, "received, whatever the answer, counter"},
	{Backend, BackendInFlight, requests, "being answered"},
	{Backend, BackendConnections, "connections", "open now"},
	{Backend, BackendLatencyP50, seconds, "from due time to receipt, median since the row before"},
	{Backend, BackendLatencyP90, seconds, "from due time to receipt, 90th percentile since the row before"},
	{Backend, BackendLatencyP99, seconds, "from due time to receipt, 99th percentile since the row before"},
	{Backend, BackendLatencyMax, seconds, "from due time to receipt, largest since the row before"},
	{Backend, ProcessCPU, seconds, "CPU time as the process tells it, counter"},
	{Backend, ProcessRSS, sizeBytes, "resident memory as the process tells it"},
	{Backend, HeapAlloc, sizeBytes, "bytes of live and not yet swept heap objects"},
}
