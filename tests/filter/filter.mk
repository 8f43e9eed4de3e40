# SPDX-License-Identifier: Apache-2.0
# Filters: the options against what they must become, the compiled ones against a slow reading of the same.
$(B)/tests/filter/options: $(B)/tests/filter/options.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
$(B)/tests/filter/stored: $(B)/tests/filter/stored.o $(B)/tools/stored.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/filter/options $(B)/tests/filter/stored
FILTER_MADE := $(B)/tests/filter/make.o $(B)/tests/filter/naive.o
$(B)/tests/filter/random: $(B)/tests/filter/random.o $(FILTER_MADE) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/filter/random
