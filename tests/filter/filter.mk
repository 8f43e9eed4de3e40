# SPDX-License-Identifier: Apache-2.0
# Filters: the options against what they must become, the compiled ones against a slow reading of the same.
FILTER_SELECT := $(B)/tools/select.o $(B)/tools/select_build.o $(B)/tools/select_clash.o $(B)/tools/select_options.o \
	$(B)/tools/select_value.o $(B)/tools/when.o
$(B)/tests/filter/options: $(B)/tests/filter/options.o $(FILTER_SELECT) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
$(B)/tests/filter/stored: $(B)/tests/filter/stored.o $(FILTER_SELECT) $(B)/tools/stored.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/filter/options $(B)/tests/filter/stored
FILTER_MADE := $(B)/tests/filter/make.o $(B)/tests/filter/naive.o
$(B)/tests/filter/random: $(B)/tests/filter/random.o $(FILTER_MADE) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
QUICK += $(B)/tests/filter/random
