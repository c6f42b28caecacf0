# Mount a host's root and become its systemd. Runs in a fresh mount namespace.
#
#   bash boot-systemd.sh HOST_FOLDER HOST_NAME NETWORK_NAMESPACE [DIRECTORY TO HIDE]...
set -e
folder=$1 name=$2 namespace=$3
shift 3
disk=$folder/disk root=$folder/root

mkdir -p "$root"
mount -t overlay overlay \
  -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$root"

hidden=()
for directory in "$@"; do
  if [ -d "$root$directory" ]; then
    hidden+=("--tmpfs=$directory:mode=755,size=1m")
  fi
done

# No ties to this machine's own systemd, where there is one: no registration, no scope,
# no journal of ours. /tmp and /run are fresh at each boot; homes are the host's own.
exec systemd-nspawn --register=no --keep-unit --quiet --boot \
  --directory="$root" --machine="$namespace" --hostname="$name" \
  --network-namespace-path="/run/netns/$namespace" \
  --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
  --bind="$disk/home-root:/root" --bind="$disk/home:/home" "${hidden[@]}"
