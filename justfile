# The lanes of `.ci/lane`, for those who have `just`.

# Lists the lanes
default:
    @just --list --unsorted

# Format, lints, unit tests and integration tests; for after each change
quick:
    @.ci/lane quick

# Everything that plain `cargo test` does, the connections with other programs among it
tests:
    @.ci/lane tests

# Connections with OpenSSL, GnuTLS, tshark and Redis
interop:
    @.ci/lane interop

# Documentation and the examples in it
docs:
    @.ci/lane docs

# The library with fewer and with more features, and what it is built from
features:
    @.ci/lane features

# The examples, built as a user builds them and run
examples:
    @.ci/lane examples

# The benches, which do once what they measure
benches:
    @.ci/lane benches

# The fuzz targets: their seeds, and a short run of each
fuzz:
    @.ci/lane fuzz

# All of these
all:
    @.ci/lane all
