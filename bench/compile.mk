# SPDX-License-Identifier: Apache-2.0
$(B)/bench/compile: $(B)/bench/compile.o $(B)/tests/policy/large.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
bench: $(B)/bench/compile
