ARG BASE
# want "^low Possible: .*depends on BASE"
FROM $BASE
CMD ["/app"]
