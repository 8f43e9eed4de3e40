# SPDX-License-Identifier: Apache-2.0
# The compiler against random worlds.
POLICY_WORLD := $(B)/tests/policy/world.o $(B)/tests/policy/naive.o $(B)/tests/policy/run.o
POLICY_TESTS := $(B)/tests/policy/random $(B)/tests/policy/adopt
$(POLICY_TESTS): $(B)/%: $(B)/%.o $(POLICY_WORLD) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(POLICY_TESTS)
