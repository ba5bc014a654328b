#!/bin/sh
# Calls the binary beside it: the variables become flags, arguments go through.
#   SCENARIO SPANS_PER_SEC DURATION CPU_LIMIT MEMORY_LIMIT ENVIRONMENT
# COMMAND is run, or capacity: there the rate is the first one that is tried, and the duration
# that of a trial at the edge.
tool="$(dirname "$(readlink -f "$0")")/bin/odigos-stress"
[ -x "$tool" ] || { echo "run-stress-test.sh: $tool is not there: run make build" >&2; exit 1; }
exec "$tool" "${COMMAND:-run}" "${SCENARIO:-custom}" \
  ${SPANS_PER_SEC:+"--rate=$SPANS_PER_SEC"} \
  ${DURATION:+"--duration=$DURATION"} \
  ${CPU_LIMIT:+"--cpu-limit=$CPU_LIMIT"} \
  ${MEMORY_LIMIT:+"--memory-limit=$MEMORY_LIMIT"} \
  ${ENVIRONMENT:+"--environment=$ENVIRONMENT"} \
  "$@"
