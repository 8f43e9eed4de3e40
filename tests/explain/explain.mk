# SPDX-License-Identifier: Apache-2.0
# What explain says, against the reference evaluator, over the field's suites.
$(B)/tests/explain/suites: $(B)/tests/explain/suites.o $(addprefix $(B)/tests/reference/,reference.o read.o) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/explain/suites
