#!/bin/bash
#SBATCH --job-name=link-files
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=64G
#SBATCH --time=04:00:00
#SBATCH --requeue
# Ray on Slurm:  sbatch slurm.sh
# All nodes see /shared, which holds the files, link.py and the workspace. A requeued job goes on from it.
set -euo pipefail

port=6379
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address | awk '{print $1}'):$port

srun --nodes=1 --ntasks=1 -w "$head" \
    ray start --head --port=$port --num-cpus="$SLURM_CPUS_PER_TASK" --block &
sleep 20
srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$head" \
    ray start --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
sleep 20

srun --overlap --nodes=1 --ntasks=1 -w "$head" python /shared/link.py
