# Ringback with its softphone, in an image without a shell: docker build -t ringback .
# deploy/compose/ has it beside Synapse, PostgreSQL, coturn and Caddy.

FROM node:22-bookworm-slim AS softphone
WORKDIR /src/web
# The packages first: they change less often than the sources.
COPY web/package.json web/package-lock.json web/.npmrc ./
COPY web/client/package.json client/
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM rust:1.95-bookworm AS server
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY bench bench
COPY call call
COPY client client
COPY deploy/systemd deploy/systemd
COPY e2e e2e
COPY server server
COPY xtask xtask
COPY --from=softphone /src/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package ringback \
    && install -D --strip target/release/ringback /out/usr/bin/ringback \
    && install -d /out/var/lib/ringback

# glibc, certificates, and the user 65532 (nonroot); nothing else.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=server /out/usr/bin/ringback /usr/bin/ringback
COPY --from=server --chown=65532:65532 /out/var/lib/ringback /var/lib/ringback
USER 65532:65532
WORKDIR /var/lib/ringback
VOLUME /var/lib/ringback
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/bin/ringback", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/ringback"]
CMD ["serve"]
