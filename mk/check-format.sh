#!/bin/bash
# .clang-format decides.
set -u
files=$(git ls-files -co --exclude-standard '*.c' '*.h' | grep -v _tables)
echo "$files" | xargs clang-format-14 --dry-run -Werror 2>&1 | grep -E 'error:' | sed 's/:[0-9]*: error.*//' | sort | uniq -c | sort -rn | head -20 > "${TMPDIR:-/tmp}/em-format.$$"
if [ -s "${TMPDIR:-/tmp}/em-format.$$" ]; then
    echo 'not formatted (make format-fix):'; cat "${TMPDIR:-/tmp}/em-format.$$"; rm -f "${TMPDIR:-/tmp}/em-format.$$"; exit 1
fi
rm -f "${TMPDIR:-/tmp}/em-format.$$"
echo "format: $(echo "$files" | wc -l) files as .clang-format has them"
