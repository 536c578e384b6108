#!/bin/bash
# Starts the image's broker on storage that knows the super user, for the first user cannot be made through the broker.
# Storage that is there already stays as it is.
set -euo pipefail

settings=$(mktemp)
cat > "$settings" <<PROPERTIES
process.roles=$KAFKA_PROCESS_ROLES
node.id=$KAFKA_NODE_ID
listeners=$KAFKA_LISTENERS
advertised.listeners=$KAFKA_ADVERTISED_LISTENERS
listener.security.protocol.map=$KAFKA_LISTENER_SECURITY_PROTOCOL_MAP
inter.broker.listener.name=$KAFKA_INTER_BROKER_LISTENER_NAME
controller.listener.names=$KAFKA_CONTROLLER_LISTENER_NAMES
controller.quorum.voters=$KAFKA_CONTROLLER_QUORUM_VOTERS
log.dirs=$KAFKA_LOG_DIRS
PROPERTIES
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "$CLUSTER_ID" --config "$settings" \
  --add-scram "SCRAM-SHA-512=[name=admin,password=$SAMEPAGE_KAFKA_ADMIN_PASSWORD]" > /dev/null
rm "$settings"
exec /etc/kafka/docker/run
