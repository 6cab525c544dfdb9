FROM alpine:3.20 AS build
RUN make
FROM scratch
COPY --from=build /out /
