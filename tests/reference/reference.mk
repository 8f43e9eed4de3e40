# SPDX-License-Identifier: Apache-2.0
# The reference evaluator, and the suites that it is checked by.
REFERENCE_OBJ := $(B)/tests/reference/reference.o $(B)/tests/reference/read.o
$(B)/tests/reference/check: $(B)/tests/reference/check.o $(REFERENCE_OBJ) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/reference/check
