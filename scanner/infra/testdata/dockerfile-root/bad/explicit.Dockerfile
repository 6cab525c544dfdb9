FROM alpine:3.20
USER app
RUN x
# want "^medium bad/explicit.Dockerfile runs as root"
USER root:root
CMD ["/app"]
