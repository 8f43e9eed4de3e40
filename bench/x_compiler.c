// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "bench/bench.h"
int part_compiler(struct bench *b, struct report *r) { return -ENOSYS; }
