#!/bin/bash
# PID 1 of a test host. How it ends tells the outside what happened: 0 off, 3 reboot.

# To wait on a pipe that nobody writes is a sleep without a child process, which the
# shutdown below would otherwise count among those that have not left yet.
mkfifo /run/init.fifo
exec 9<>/run/init.fifo

down() {
  action=$1
  kill -TERM -1 2>/dev/null
  for _ in {1..30}; do # 3 s to leave
    set -- /proc/[0-9]*
    [ $# -le 1 ] && break
    read -r -t 0.1 -u 9
  done
  kill -KILL -1 2>/dev/null
  exit "$action"
}
trap 'down 0' TERM
trap 'down 3' USR1

/usr/sbin/sshd -E /var/log/sshd.log

while :; do
  sleep 86400 &
  wait $!
done
