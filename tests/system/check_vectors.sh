#!/bin/bash
# `em check` over every vector of $SHARED/vectors, with the verdicts and codes of its README.
set -u
export PYTHONDONTWRITEBYTECODE=1
exec python3 tests/system/check_vectors.py
