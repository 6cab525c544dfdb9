# The images of trifecta: one static program, the certificates it needs for HTTPS, and a user without rights.
#
#   docker build -t trifecta .                      # scans, and holds nothing else
#   docker build -t trifecta:ci --target ci .       # with a shell, by which GitLab and others start a job's script
#   docker build -t trifecta:fix --target fix .     # with the package managers that change lock files
#   docker run --rm -v "$PWD:/src:ro" trifecta scan
#
# BINARY=built (default) compiles here, in GO_IMAGE. BINARY=given takes what stands in dist/image: a release puts the
# very program into the images that it publishes, and a machine without a registry needs no image of Go.
# Each base can be another one: CI_IMAGE any with a shell, FIX_IMAGE any with node and npm. Pin them by digest.
ARG GO_IMAGE=golang:1.26-bookworm
ARG BINARY=built
ARG CI_IMAGE=debian:trixie-slim
ARG FIX_IMAGE=node:24-trixie-slim
ARG UV_IMAGE=ghcr.io/astral-sh/uv:0.13

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

# A shell, and nothing else. No entry point: a runner starts the shell itself.
FROM ${CI_IMAGE} AS ci
COPY --from=binary --chmod=0444 /image/ca-certificates.crt /usr/local/share/trifecta/
COPY --from=binary --chmod=0555 /image/trifecta /usr/local/bin/trifecta
COPY --from=binary --chown=65532:65532 /image/home /home/trifecta
# Certificates of the base stay, which may know a company's authority. Some programs want a name for their user.
RUN if [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then \
      mkdir -p /etc/ssl/certs && cp /usr/local/share/trifecta/ca-certificates.crt /etc/ssl/certs/; \
    fi && \
    echo 'trifecta:x:65532:65532::/home/trifecta:/bin/sh' >>/etc/passwd
ENV HOME=/home/trifecta TMPDIR=/home/trifecta
WORKDIR /src
USER 65532:65532
ENTRYPOINT []
CMD ["sh"]

FROM ${GO_IMAGE} AS go
FROM ${UV_IMAGE} AS uv

# What `trifecta fix` starts to write lock files anew: npm, go, uv, cargo. FIX_PACKAGES are those of the base's own
# distribution; empty where the base has them.
FROM ${FIX_IMAGE} AS fix
ARG FIX_PACKAGES="ca-certificates cargo git python3"
RUN if [ -n "$FIX_PACKAGES" ]; then \
      apt-get update && apt-get install -y --no-install-recommends $FIX_PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=go /usr/local/go /usr/local/go
COPY --from=uv /uv /usr/local/bin/uv
COPY --from=binary --chmod=0555 /image/trifecta /usr/local/bin/trifecta
COPY --from=binary --chown=65532:65532 /image/home /home/trifecta
RUN echo 'trifecta:x:65532:65532::/home/trifecta:/bin/sh' >>/etc/passwd
ENV HOME=/home/trifecta TMPDIR=/home/trifecta PATH=/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin GOTOOLCHAIN=local
WORKDIR /src
USER 65532:65532
ENTRYPOINT []
CMD ["sh"]

# The last one is what `docker build` makes.
FROM scratch AS scan
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
