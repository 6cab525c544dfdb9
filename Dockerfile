# The image of trifecta: one static program, the certificates it needs for HTTPS, and a user without rights.
#
#   docker build -t trifecta .
#   docker run --rm -v "$PWD:/src:ro" trifecta scan
#
# BINARY=built (default) compiles here, in GO_IMAGE. BINARY=given takes what stands in dist/image: a release puts the
# very program into the image that it publishes, and a machine without a registry needs no image of Go.
ARG GO_IMAGE=golang:1.26-bookworm
ARG BINARY=built

FROM ${GO_IMAGE} AS built
ARG VERSION=0.1.0-dev
ARG COMMIT=unknown
ARG GOPROXY
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOCACHE=/var/cache/go-build
WORKDIR /build
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/var/cache/go-build \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" -o /image/trifecta ./cmd/trifecta
RUN cp /etc/ssl/certs/ca-certificates.crt /image/
WORKDIR /image/home

FROM scratch AS given
COPY dist/image/ /image/
WORKDIR /image/home

FROM ${BINARY} AS binary

FROM scratch
LABEL org.opencontainers.image.title="trifecta" \
      org.opencontainers.image.description="Says what a stranger on the internet can reach and exploit, from the code alone" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/trifecta-scanner/trifecta"
COPY --from=binary --chmod=0444 /image/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=binary --chmod=0555 /image/trifecta /usr/local/bin/trifecta
# The only place that the program may write to: temporary files and its cache.
COPY --from=binary --chown=65532:65532 /image/home /home/trifecta
ENV HOME=/home/trifecta TMPDIR=/home/trifecta PATH=/usr/local/bin
WORKDIR /src
USER 65532:65532
ENTRYPOINT ["trifecta"]
