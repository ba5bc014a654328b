# The tool's own image, with both its programs: what the pods of --environment kubernetes run.
# `make image-tar` makes the same without Docker (docs/kubernetes.md).
#
#   docker build --build-arg VERSION="$(git describe --tags --always)" -t REGISTRY/odigos-stress .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH VERSION=dev COMMIT DATE
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH CGO_ENABLED=0 GOTOOLCHAIN=local
WORKDIR /src
COPY . .
RUN make build

FROM scratch
COPY --from=build /src/bin/odigos-stress /src/bin/odigos-stress-otelcol /
USER 65534:65534
ENTRYPOINT ["/odigos-stress"]
