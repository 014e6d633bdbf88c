#!/usr/bin/env bash
# Starts a Docker engine of its own, for a machine where none runs: `engine.sh start FOLDER`, `engine.sh stop FOLDER`.
# All that it keeps lies in FOLDER; DOCKER_HOST=unix://FOLDER/docker.sock reaches it.
set -euo pipefail
folder=$2
export DOCKER_HOST=unix://$folder/docker.sock

case $1 in
  start)
    mkdir -p "$folder"
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" --host "$DOCKER_HOST" \
      >"$folder/log" 2>&1 </dev/null &
    for _ in $(seq 120); do
      if docker version >/dev/null 2>&1; then exit 0; fi
      sleep 0.5
    done
    tail -n 20 "$folder/log" >&2
    exit 1
    ;;
  stop)
    pid=$(cat "$folder/pid")
    kill "$pid"
    tail --pid="$pid" -f /dev/null
    ;;
  *)
    echo "usage: engine.sh start|stop FOLDER" >&2
    exit 2
    ;;
esac
