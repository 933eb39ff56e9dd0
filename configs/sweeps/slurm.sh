#!/bin/bash
#SBATCH --job-name=sweep
#SBATCH --cpus-per-task=2
#SBATCH --requeue
#
# One shard of a sweep: an element of a Slurm job array.
#
#   id=$(sbatch --parsable --array=1-4 configs/sweeps/slurm.sh GRID.toml RESULTS 4)
#   sbatch --dependency=afterok:$id --wrap 'elasticflow-sim sweep merge RESULTS/shard-* --out RESULTS/merged'
#
# RESULTS is a directory that all nodes see. An element that ran out of time or was preempted goes on where it was when it
# is submitted again: `sbatch --array=3 configs/sweeps/slurm.sh GRID.toml RESULTS 4`.
set -euo pipefail
grid=$1 results=$2 shards=$3

elasticflow-sim sweep "$grid" --shard "$SLURM_ARRAY_TASK_ID/$shards" --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --out "$results/shard-$SLURM_ARRAY_TASK_ID" --resume
