# SPDX-License-Identifier: Apache-2.0
STREAM_PARTS += $(B)/bench/stream/print
$(B)/bench/stream/print: $(B)/bench/stream/print.o $(B)/bench/report.o $(B)/libweir.a | $(B)/weir $(B)/tests/tools/fake
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
