#!/bin/bash
# every build
# `em check` from outside, with artefacts of our own making: every malformed request, each code,
# mutations that must never be accepted.
set -u
export PYTHONDONTWRITEBYTECODE=1
exec python3 tests/system/check_door.py
