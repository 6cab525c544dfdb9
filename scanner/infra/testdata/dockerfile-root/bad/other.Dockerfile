# want "^low Possible: "
FROM registry.example/platform/java:21
CMD ["/app"]
