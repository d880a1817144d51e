#!/usr/bin/env bash
# Brings up Hydra on this machine: every step of the boot, in order.
#
#   ./st.cmd [--input DIR] [--config FILE] [--demo] [--headless] [--for SECONDS]
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source deploy/boot.sh

read_options "$@"       # what was asked for; --help ends here
find_python             # 3.11 or 3.12
make_environment run    # .venv from the locked versions
check_libraries         # what the screen needs of the system
upgrade_database        # to the schema of this release
install_models          # the demo's plot types and models
start_deployment        # supervisor, IOC, pipeline, demo; prints "hydra: ready"
