#!/bin/sh
# Calls the binary beside it: the variables become flags, arguments go through.
#   SCENARIO SPANS_PER_SEC DURATION CPU_LIMIT MEMORY_LIMIT ENVIRONMENT
exec "$(dirname "$0")/bin/odigos-stress" run "${SCENARIO:-custom}" \
  ${SPANS_PER_SEC:+"--rate=$SPANS_PER_SEC"} \
  ${DURATION:+"--duration=$DURATION"} \
  ${CPU_LIMIT:+"--cpu-limit=$CPU_LIMIT"} \
  ${MEMORY_LIMIT:+"--memory-limit=$MEMORY_LIMIT"} \
  ${ENVIRONMENT:+"--environment=$ENVIRONMENT"} \
  "$@"
