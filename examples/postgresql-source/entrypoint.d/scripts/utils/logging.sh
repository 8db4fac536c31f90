# shellcheck shell=bash
# Structured log lines on standard error, one event a line:
#
#   log_info 'cluster created' directory=/data version=15
#
#   2026-01-31T12:00:00Z INFO cluster created directory=/data version=15                            LOG_FORMAT=text
#   {"time":"2026-01-31T12:00:00Z","level":"info","message":"cluster created","directory":"/data",…}  LOG_FORMAT=json
#
# LOG_LEVEL is the least level that is shown: debug, info (default), warn or error.

declare -rA LOG_RANK=([debug]=0 [info]=1 [warn]=2 [error]=3)

log_debug() { _log debug "$@"; }
log_info() { _log info "$@"; }
log_warn() { _log warn "$@"; }
log_error() { _log error "$@"; }

# die MESSAGE [KEY=VALUE...]: the last words of a container that cannot start.
die() {
    log_error "$@"
    exit 1
}

# _log LEVEL MESSAGE [KEY=VALUE...]: without a single process, and in one write, so that lines stay whole.
_log() {
    local level=$1 message=$2 now line field string
    ((LOG_RANK[$level] >= ${LOG_RANK[${LOG_LEVEL:-info}]-1})) || return 0
    shift 2
    TZ=UTC0 printf -v now '%(%Y-%m-%dT%H:%M:%SZ)T' -1
    if [[ ${LOG_FORMAT-} == json ]]; then
        _json_string "$message"
        line="{\"time\":\"$now\",\"level\":\"$level\",\"message\":$string"
        for field in "$@"; do
            _json_string "${field%%=*}"
            line+=",$string"
            _json_string "${field#*=}"
            line+=":$string"
        done
        line+='}'
    else
        line="$now ${level^^} $message"
        for field in "$@"; do
            string=${field#*=}
            [[ $string != *[[:space:]\"]* ]] || _json_string "$string"
            line+=" ${field%%=*}=$string"
        done
    fi
    printf '%s\n' "$line" >&2
}

# _json_string VALUE: puts VALUE, quoted, into the variable string.
_json_string() {
    string=${1//\\/\\\\}
    string=${string//\"/\\\"}
    string=${string//$'\n'/\\n}
    string=${string//$'\t'/\\t}
    string="\"${string//[[:cntrl:]]/}\""
}
