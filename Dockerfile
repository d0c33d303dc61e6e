# The server and nothing else: a Debian without a compiler, an account without rights.

# @sha256:… each, from tools/image-digests; empty: whatever the name stands for today.
ARG RUST_DIGEST=
ARG DEBIAN_DIGEST=

FROM rust:1-slim-bookworm${RUST_DIGEST} AS build
WORKDIR /src
COPY . .
# The caches outlive the layers, so a changed line rebuilds one crate. They are not in the image: the binary moves out.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin contactd && install -D target/release/contactd /out/contactd

FROM debian:bookworm-slim${DEBIAN_DIGEST}
# The certificates come from the stage above, where Rust needed them: a package would bring OpenSSL along.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/contactd /usr/local/bin/
RUN install -d -o 10001 -g 10001 /var/lib/contactd
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/contactd
# The last one is the allocator's: memory that is free goes back to the system after 10 ms, not after a second.
ENV LISTEN_ADDR=0.0.0.0:8000 MAIL_DIR=/var/lib/contactd/mail MIMALLOC_PURGE_DELAY=10
EXPOSE 8000
# /readyz is 503 without Postgres and while the server drains. There is no curl in here.
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s CMD ["contactd", "healthcheck"]
ENTRYPOINT ["contactd"]
CMD ["serve"]
