# shellcheck shell=bash
# The duties of process 1: to pass signals on, to reap whatever its children leave behind (bash does that by itself),
# and to see that the server stops cleanly before the container runtime's patience ends.
#
# TERM, INT and QUIT all mean the same: a fast shutdown. To the server itself TERM would mean to wait for every client
# to leave, and QUIT to crash. HUP reloads the configuration.

stop_requested= # the signal that asked for it
supervising=    # set from the moment the server is being started
server=         # the process that the container is there for
stop_signal=    # what stops it
escalation=     # the process that waits for it to take too long
backups=        # the process that takes them
background=     # a step of the start-up
aborted=0       # the status of a start-up that was interrupted: a stop as good as any

handle_signals() {
    trap 'request_stop TERM' TERM
    trap 'request_stop INT' INT
    trap 'request_stop QUIT' QUIT
    trap 'interrupted=1; [[ -z $server ]] || kill -s HUP "$server"' HUP
}

# in_background COMMAND...: runs a step of the start-up so that a signal interrupts it. (bash runs a trap only when the
# command in the foreground has ended.)
in_background() {
    local status=0
    "$@" &
    background=$!
    await "$background" || status=$?
    background=
    return "$status"
}

# await PID: waits for a child through any number of signals, which end bash's own wait; returns the child's status.
await() {
    local interrupted status
    while :; do
        interrupted=
        status=0
        wait "$1" || status=$?
        [[ -n $interrupted ]] || return "$status"
    done
}

# supervise SIGNAL COMMAND...: runs the server until it ends, stops it with SIGNAL when asked to; returns its status.
supervise() {
    local status=0
    stop_signal=$1
    supervising=1
    "${@:2}" &
    server=$!
    [[ -z $stop_requested ]] || stop_server
    await "$server" || status=$?
    stop_orphan
    [[ -z $escalation ]] || kill "$escalation" 2>/dev/null || true
    [[ -z $backups ]] || kill "$backups" 2>/dev/null || true
    if [[ -n $stop_requested ]]; then
        log_info 'stopped' status="$status"
        ((status <= 128)) || [[ $(kill -l "$status" 2>/dev/null) != "$stop_signal" ]] || status=0
    else
        log_error 'the server ended by itself' status="$status"
    fi
    return "$status"
}

# request_stop SIGNAL: the trap.
request_stop() {
    interrupted=1
    [[ -z $stop_requested ]] || return 0
    stop_requested=$1
    if [[ -z $supervising ]]; then
        abort_startup
    elif [[ -n $server ]]; then
        stop_server
    fi
}

stop_server() {
    log_info 'stopping' signal="$stop_requested"
    kill -s "$stop_signal" "$server" 2>/dev/null || true
    escalate &
    escalation=$!
}

# abort_startup: nothing of an unfinished start is kept, so nothing has to be waited for but the private server.
abort_startup() {
    log_warn 'interrupted before the server was started' signal="$stop_requested"
    [[ -z $background ]] || kill "$background" 2>/dev/null || true
    stop_private_server "$PGDATA/.initializing"
    exit "$aborted"
}

# escalate: after SHUTDOWN_TIMEOUT, an immediate shutdown, from which the next start recovers; then an end to all.
escalate() {
    local postmaster
    pause "$SHUTDOWN_TIMEOUT"
    if postmaster=$(postmaster_pid "$PGDATA"); then
        log_warn 'the server takes too long to stop: shutting it down at once' seconds="$SHUTDOWN_TIMEOUT"
        kill -s QUIT "$postmaster" || true
        pause 3
    fi
    kill -s KILL "$server" ${postmaster:+"$postmaster"} 2>/dev/null || true
}

{{if .Patroni}}# stop_orphan: Patroni leaves its server running when it crashes, and when the cluster is paused; and somebody may have
# started one by hand.
{{else}}# stop_orphan: somebody may have started a server by hand.
{{end}}stop_orphan() {
    local postmaster
    postmaster=$(postmaster_pid "$PGDATA") || return 0
    log_info 'a server still runs on the data directory: stopping it'
    [[ -n $escalation ]] || {
        escalate &
        escalation=$!
    }
    kill -s INT "$postmaster" 2>/dev/null || true
    while kill -0 "$postmaster" 2>/dev/null; do
        pause 0.2
    done
}

# pause SECONDS: sleep without a process, which would outlive its caller and hold the data directory's lock. What is
# read is a pipe that nobody writes to, and that never ends, because it is open for writing.
pause() {
    read -r -t "$1" <> <(:) || true
}

# postmaster_pid DIRECTORY: prints the process id of the server that runs on it; fails if there is none.
postmaster_pid() {
    local pid=
    read -r pid 2>/dev/null <"$1/postmaster.pid" || true
    [[ $pid =~ ^[0-9]+$ && $(cat "/proc/$pid/comm" 2>/dev/null) == postgres ]] && echo "$pid"
}
