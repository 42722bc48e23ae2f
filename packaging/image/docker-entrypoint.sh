#!/bin/sh
# Runs the entrypoint of the official image with the arguments of the container. If they start a server, adds the
# module.
#
# The image inherits the ENTRYPOINT docker-entrypoint.sh. This file has the same name, in /usr/local/sbin, which
# comes before /usr/local/bin in the PATH.
set -eu
module=/usr/local/lib/jsonmerge/libjsonmerge.so

case ${1-} in
    -* | *.conf | *redis-server | *valkey-server)
        # CONFIG REWRITE adds a loadmodule line to the configuration. A server that loads a module twice exits.
        grep -qs "^loadmodule $module" -- "$@" </dev/null || set -- "$@" --loadmodule "$module"
        ;;
esac
exec /usr/local/bin/docker-entrypoint.sh "$@"
