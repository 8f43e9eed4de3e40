#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A few mutants of the compiler, others when it has changed, not by the clock; all of them by `make mutate`.  So few say little: the bound
# is loose.
exec nice python3 tests/mutate/mutate.py --sample "${MUTANTS:-16}" --seed "${MUTANTS_SEED:-1}" --worlds 100 --least 25
