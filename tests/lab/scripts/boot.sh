# Mount a host's root and become its PID 1. Runs in fresh PID, mount, UTS and IPC
# namespaces and in the host's network namespace.
#
#   bash boot.sh HOST_FOLDER HOST_NAME [DIRECTORY TO HIDE]...
set -e
folder=$1 name=$2
shift 2
disk=$folder/disk root=$folder/root

mkdir -p "$root"
mount -t overlay overlay \
  -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"

mount -t tmpfs -o mode=755,size=1m dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

# Fresh at each boot, as on a real machine.
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mkdir "$root/run/sshd" # or sshd: "Missing privilege separation directory"

# Homes of its own. This machine's may hold a .bashrc, which Debian's bash reads for
# every ssh command: another PATH, and 90 ms more.
mount --bind "$disk/home-root" "$root/root"
mount --bind "$disk/home" "$root/home"

for hidden in "$@"; do
  if [ -d "$root$hidden" ]; then
    mount -t tmpfs -o mode=755,size=1m hidden "$root$hidden"
  fi
done

echo "$name" >/proc/sys/kernel/hostname
cd "$root"
mkdir -p .oldroot
pivot_root . .oldroot
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  TERM=dumb HOME=/root /bin/bash -c '
    cd /
    mount --make-rprivate /.oldroot
    umount -l /.oldroot
    rmdir /.oldroot
    exec /sbin/lab-init'
