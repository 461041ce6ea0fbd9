# The lanes of `.ci/lane`, by their names.

# Lists the lanes
default:
    @just --list --unsorted

# Format, lints, unit tests and integration tests; run it before each commit
quick:
    @.ci/lane quick

# Everything that `cargo test` runs, connections with other programs included
tests:
    @.ci/lane tests

# Connections with OpenSSL, GnuTLS, tshark and Redis
interop:
    @.ci/lane interop

# Documentation and the examples in it
docs:
    @.ci/lane docs

# The library with fewer and with more features, and no C or assembler in its build
features:
    @.ci/lane features

# The library type-checked for 32-bit x86, 64-bit ARM and WebAssembly
targets:
    @.ci/lane targets

# The package as it would be published: what is in it, its size, and that it builds
package:
    @.ci/lane package

# The examples, built as a user builds them and run
examples:
    @.ci/lane examples

# The benches, each run once
benches:
    @.ci/lane benches

# The fuzz targets: their seeds, and a short run of each
fuzz:
    @.ci/lane fuzz

# All of these
all:
    @.ci/lane all
