#!/bin/sh
# Starts Redis with the users of users.acl, whose passwords come from the environment: REDIS_APP_PASSWORD, REDIS_OPERATOR_PASSWORD and
# REDIS_ANALYTICS_PASSWORD. Only their hashes are written, to ACL_FILE. Whatever is given goes on to redis-server.
set -eu
umask 077
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
acl=${ACL_FILE:-/tmp/users.acl}

hashed() {
  [ -n "$1" ] || { echo "a password of Redis is empty" >&2; exit 1; }
  printf '%s' "$1" | sha256sum | cut -c 1-64
}
app=$(hashed "${REDIS_APP_PASSWORD-}")
operator=$(hashed "${REDIS_OPERATOR_PASSWORD-}")
analytics=$(hashed "${REDIS_ANALYTICS_PASSWORD-}")

sed -e "s/APP_SHA256/$app/" -e "s/OPERATOR_SHA256/$operator/" -e "s/ANALYTICS_SHA256/$analytics/" "$here/users.acl" >"$acl"
exec "${REDIS_SERVER:-redis-server}" "$here/redis.conf" --aclfile "$acl" "$@"
