# Redis or Valkey with jsonmerge: the official image, and the module, which packaging/image/docker-entrypoint.sh
# loads.
#
#   docker build -t jsonmerge .
#   docker build -t jsonmerge-valkey --build-arg BASE=docker.io/valkey/valkey:9 .
#
# The base must have glibc, so the Alpine variants do not work.
ARG RUST=docker.io/library/rust:1.95-bookworm
ARG BASE=docker.io/library/redis:8
ARG REVISION=unknown

FROM ${RUST} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libclang-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG REVISION
RUN JSONMERGE_REVISION=$REVISION scripts/build --lib \
    && strip --strip-unneeded target/release/libjsonmerge.so \
    && scripts/check-needs target/release/libjsonmerge.so \
    && scripts/licences >LICENSES-THIRD-PARTY \
    && install -D -m 755 target/release/libjsonmerge.so /image/usr/local/lib/jsonmerge/libjsonmerge.so \
    && install -D -m 755 packaging/image/docker-entrypoint.sh /image/usr/local/sbin/docker-entrypoint.sh \
    && install -D -m 644 -t /image/usr/share/doc/jsonmerge LICENSE-MIT LICENSE-APACHE LICENSES-THIRD-PARTY

FROM ${BASE}
ARG BASE
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="jsonmerge" \
      org.opencontainers.image.description="Redis or Valkey with JSONMERGE.APPEND and JSONMERGE.TAKE" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
# The base's ENTRYPOINT and CMD stay as they are.
COPY --from=build /image /
