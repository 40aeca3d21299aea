#!/bin/sh
# What pip cannot bring: Python with venv, and the system libraries that draw pictures without a display.
#
#   PYTHON=python3 sh Utilities/system_packages.sh demo|test
#
# On Debian and Ubuntu, as root, missing packages are installed; otherwise they are listed. Elsewhere only Python is checked.
set -eu

layer=${1:-test}
PYTHON=${PYTHON:-python3}

# One line per package: a file or library that proves it is there, then the package that brings it.
needed_libraries() {
    cat <<LIST
libEGL.so.1 libegl1
libGL.so.1 libgl1
libX11.so.6 libx11-6
LIST
    if [ "$layer" = test ]; then
        cat <<LIST
libxkbcommon.so.0 libxkbcommon0
libdbus-1.so.3 libdbus-1-3
libfontconfig.so.1 libfontconfig1
libfreetype.so.6 libfreetype6
libglib-2.0.so.0 libglib2.0-0
LIST
    fi
}

has_library() {
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p | grep -q "[[:space:]]$1 "
}

has_package() {
    dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep -q "ok installed"
}

python_is_missing() {
    ! command -v "$PYTHON" >/dev/null 2>&1
}

venv_is_missing() {
    ! "$PYTHON" -c "import ensurepip, venv" >/dev/null 2>&1
}

missing=""
if [ "$(uname)" = Linux ] && command -v apt-get >/dev/null 2>&1; then
    for name in $(needed_libraries | tr ' ' ':'); do
        has_library "${name%%:*}" || missing="$missing ${name##*:}"
    done
    has_package libgl1-mesa-dri || missing="$missing libgl1-mesa-dri"
    if [ "$layer" = test ]; then
        has_package fonts-dejavu-core || missing="$missing fonts-dejavu-core"
        command -v cmake >/dev/null 2>&1 || missing="$missing cmake"
        command -v c++ >/dev/null 2>&1 || missing="$missing g++"
    fi
    if python_is_missing; then
        missing="$missing python3 python3-venv"
    elif venv_is_missing; then
        missing="$missing $("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        echo "Installing system packages:$missing"
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086  # one word per package
        if ! { apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing; } >/dev/null; then
            echo "Some of these packages could not be installed; without them pictures may be skipped:$missing" >&2
        fi
    else
        echo "These system packages are missing; without them pictures may be skipped. To install them:" >&2
        echo "    sudo apt-get install$missing" >&2
    fi
fi

if python_is_missing; then
    echo "There is no $PYTHON here. Install Python 3.10 or newer, or choose another one: make PYTHON=/path/to/python3." >&2
    exit 1
fi
if ! "$PYTHON" -c "import sys; sys.exit(sys.version_info < (3, 10))"; then
    echo "Python 3.10 or newer is needed; $PYTHON is $("$PYTHON" -c 'import platform; print(platform.python_version())')." \
        "Choose another one: make PYTHON=python3.12." >&2
    exit 1
fi
if venv_is_missing; then
    echo "$PYTHON cannot build virtual environments. Install its venv package, or choose another one: make PYTHON=/path/to/python3." >&2
    exit 1
fi
