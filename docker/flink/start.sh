#!/usr/bin/env bash
# Starts Flink (jobmanager or taskmanager) on a file system that is read-only: its configuration,
# and the logins of its jobs to Kafka and PostgreSQL, are written where only this container is.
set -euo pipefail
umask 077
where=$(mktemp -d)
cp -r -- "$FLINK_HOME/conf" "$where/conf"
export FLINK_CONF_DIR=$where/conf FLINK_LOG_DIR=$where/log PGPASSFILE=$where/pgpass
# What Flink's own configuration opens of Java's modules, and ours instead of all the rest of it.
opened=$(grep -oE -- '--add-(exports|opens)=[^ "]+' "$FLINK_HOME/conf/config.yaml" | tr '\n' ' ')
printf 'env.java.opts.all: %s-Djava.security.auth.login.config=%s\nio.tmp.dirs: %s\n%s\n' \
  "$opened" "$where/jaas" "$where" "$FLINK_PROPERTIES" >"$FLINK_CONF_DIR/config.yaml"
cat >"$where/jaas" <<JAAS
KafkaClient {
  org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule required
  username="flink"
  password="$LMS_SECRET_PRINCIPAL_FLINK";
};
JAAS
printf '*:*:*:flink:%s\n' "$LMS_SECRET_PRINCIPAL_FLINK" >"$PGPASSFILE"
unset LMS_SECRET_PRINCIPAL_FLINK FLINK_PROPERTIES
exec "$FLINK_HOME/bin/$1.sh" start-foreground
