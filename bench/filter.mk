# SPDX-License-Identifier: Apache-2.0
STREAM_PARTS += $(B)/bench/stream/filter
$(B)/bench/stream/filter: $(B)/bench/stream/filter.o $(B)/bench/report.o $(B)/tests/filter/make.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)
