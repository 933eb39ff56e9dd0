#!/bin/bash
#
# A sweep on several machines with GNU parallel, over ssh; with `:` alone, on this one.
#
#   configs/sweeps/parallel.sh GRID.toml RESULTS 4 node1,node2,:
#
# GRID.toml, its traces and RESULTS are on a file system that all of them see, and the program is on everyone's path. A shard
# that failed, also with its machine, is tried again where there is room, and goes on where it was.
set -euo pipefail
grid=$(realpath "$1") results=$(realpath "$2") shards=$3 machines=${4:-:}

seq "$shards" | parallel --sshlogin "$machines" --jobs 1 --retries 3 \
    elasticflow-sim sweep "$grid" --shard "{}/$shards" --out "$results/shard-{}" --resume
# What an earlier call of this made is made again.
[ ! -e "$results/merged/sweep.json" ] || rm -r -- "$results/merged"
elasticflow-sim sweep merge "$results"/shard-* --out "$results/merged"
