#!/bin/sh
# launch.sh FOLDER PROGRAM ARGUMENTS...: runs in the mount namespace of one model. Makes the model's folder, and the root
# where the kernel lets it, read-only; then PROGRAM takes this process's place. It dies with the agent even while a
# runtime computes and nobody reads its end of the channel.
folder=$1
shift
mount --bind -- "$folder" "$folder" 2>/dev/null && mount -o remount,bind,ro -- "$folder" 2>/dev/null
mount -o remount,bind,ro / 2>/dev/null
exec setpriv --pdeathsig KILL -- "$@"
