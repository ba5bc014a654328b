#!/usr/bin/env bash
# Tests on a real cluster, where one can be had: a folder beside the checkout, or the one that
# CLUSTER_TOOLS names, brings one up and takes it down again. Anywhere else a loud line says
# that they were left out.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="${CLUSTER_TOOLS:-../shared/cluster}"
if [ ! -x "$tools/up.sh" ]; then
	echo "SKIPPED: THE TESTS ON A REAL CLUSTER: $tools/up.sh is not there" >&2
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "SKIPPED: THE TESTS ON A REAL CLUSTER: $tools/up.sh needs root" >&2
	exit 0
fi
tools=$(cd "$tools" && pwd)
work=$(mktemp -d)
trap '"$tools/down.sh"; rm -rf "$work"' EXIT

image=docker.io/library/odigos-stress:test
bin/odigos-stress image --tag "$image" "$work/image.tar"
CGO_ENABLED=0 go test -trimpath -tags grpcnotrace -c -o "$work/cmd.test" ./cmd/odigos-stress
"$tools/up.sh"
ctr --address "${CLUSTER_STATE:-/tmp/cluster}/run/containerd/containerd.sock" \
	--namespace k8s.io images import "$work/image.tar"

cd cmd/odigos-stress # where its tests run
export ODIGOS_STRESS_TEST_CLUSTER=1 ODIGOS_STRESS_IMAGE="$image"
"$tools/in-node.sh" "$work/cmd.test" -test.run '^TestCluster' -test.v -test.timeout 15m
