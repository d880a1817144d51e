# The steps of st.cmd, one function each. Sourced, not run.

usage() {
    cat <<TXT
Usage: ./st.cmd [--input DIR] [--config FILE] [--demo] [--headless] [--for SECONDS]

  --input DIR     watch this folder instead of the simulated experiment's;
                  its files are kept
  --config FILE   TOML file of the deployment (check it with
                  'hydra-ioc config check FILE'); embedded defaults without it
  --demo          run the simulated experiment beside it, with its models, also
                  where --config is given
  --headless      open no screen
  --for SECONDS   stop by itself after this time

Example: ./st.cmd --headless --for 60
TXT
}

wrong_usage() {
    echo "st.cmd: $1" >&2
    usage >&2
    exit 2
}

read_options() {
    CONFIG_OPTIONS=()
    UP_OPTIONS=()
    INPUT_DIR=""
    HEADLESS=no
    DEMO=no
    while [ $# -gt 0 ]; do
        case "$1" in
            -h | --help) usage; exit 0 ;;
            --demo) DEMO=yes; UP_OPTIONS+=(--demo); shift ;;
            --headless) HEADLESS=yes; UP_OPTIONS+=(--headless); shift ;;
            --input | --config | --for)
                [ $# -ge 2 ] || wrong_usage "$1 needs a value"
                case "$1" in
                    --input)
                        [ -d "$2" ] || wrong_usage "--input: '$2' is not a folder"
                        INPUT_DIR=$2
                        UP_OPTIONS+=(--input "$2")
                        ;;
                    --config)
                        [ -f "$2" ] || wrong_usage "--config: there is no file '$2'"
                        CONFIG_OPTIONS=(--config "$2")
                        ;;
                    --for) UP_OPTIONS+=(--for "$2") ;;
                esac
                shift 2
                ;;
            *) wrong_usage "unknown option '$1'" ;;
        esac
    done
}

find_python() {
    local candidate
    for candidate in "${HYDRA_PYTHON:-}" python3.12 python3.11 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
            2>/dev/null; then
            PYTHON=$candidate
            return
        fi
    done
    echo "st.cmd: expected Python 3.11 or 3.12, found none; on Debian: apt-get install python3 python3-venv" >&2
    exit 1
}

# The environment is as good as the lock it was made from: the stamp holds the
# lock's hash and is written last, so that an interrupted set-up starts over.
make_environment() {
    local kind=$1 wanted
    wanted=$(sha256sum <"requirements/$kind.lock")
    if [ "$kind" = run ] && stamp_is dev "$(sha256sum <requirements/dev.lock)"; then
        return
    fi
    if stamp_is "$kind" "$wanted"; then
        return
    fi
    echo "hydra: setting up the environment in .venv (a few minutes, once)"
    if ! [ -x .venv/bin/python ] && ! "$PYTHON" -m venv .venv; then
        echo "st.cmd: no virtual environment; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r "requirements/$kind.lock"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
    echo "$wanted" >".venv/.stamp-$kind"
}

stamp_is() {
    [ -x .venv/bin/hydra-ioc ] && [ "$(cat ".venv/.stamp-$1" 2>/dev/null)" = "$2" ] \
        && .venv/bin/python -c '' 2>/dev/null
}

# Libraries that the Qt wheels expect of the system, and their Debian packages.
QT_LIBRARIES=(
    libGL.so.1:libgl1 libEGL.so.1:libegl1 libfontconfig.so.1:libfontconfig1
    libdbus-1.so.3:libdbus-1-3 libglib-2.0.so.0:libglib2.0-0 libxkbcommon-x11.so.0:libxkbcommon-x11-0
    libxcb-icccm.so.4:libxcb-icccm4 libxcb-image.so.0:libxcb-image0 libxcb-keysyms.so.1:libxcb-keysyms1
    libxcb-render-util.so.0:libxcb-render-util0 libxcb-xinerama.so.0:libxcb-xinerama0
    libxcb-randr.so.0:libxcb-randr0 libxcb-shape.so.0:libxcb-shape0
)

missing_packages() {
    local pair listed
    listed=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
    for pair in "${QT_LIBRARIES[@]}"; do
        case "$listed" in *"${pair%%:*}"*) ;; *) echo "${pair##*:}" ;; esac
    done
    if ! [ -d /usr/share/fonts/truetype/dejavu ]; then
        echo fonts-dejavu-core
    fi
}

install_packages() {
    echo "hydra: installing system packages: $*"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1 && return
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
    else
        echo "hydra: as administrator, type: apt-get install $*" >&2
        return 1
    fi
}

check_libraries() {
    [ "$HEADLESS" = no ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || return 0
    local packages
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}" \
        || echo "hydra: going on without; the screen may not open" >&2
}

hydra() {
    .venv/bin/hydra-ioc "${CONFIG_OPTIONS[@]}" "$@"
}

upgrade_database() {
    HYDRA_LOG_LEVEL=WARNING hydra db upgrade >/dev/null
}

install_models() {
    if [ ${#CONFIG_OPTIONS[@]} -eq 0 ] || [ "$DEMO" = yes ]; then
        HYDRA_LOG_LEVEL=WARNING hydra models install >/dev/null
    fi
    if [ -n "$INPUT_DIR" ]; then
        hydra plots discover "$INPUT_DIR"
    fi
}

start_deployment() {
    exec .venv/bin/hydra-ioc "${CONFIG_OPTIONS[@]}" up "${UP_OPTIONS[@]}"
}
