# SPDX-License-Identifier: Apache-2.0
# make bench-stream: what the stream promises, measured and judged.  Each program in STREAM_PARTS takes the directory
# for its JSON, prints its rows (bench/report.h) and ends with 1 if a bound was missed; PART="wire" runs some of them.
# The last line sums up what those JSONs say that were written now.
STREAM_PARTS += $(B)/bench/stream/wire

$(B)/bench/stream/wire: $(B)/bench/stream/wire.o $(B)/bench/report.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)

bench-stream: bench-deps all
	@failed=; files=; for p in $(STREAM_PARTS); do \
		name=$$(basename $$p); json=$(B)/bench/$$name.json; \
		case " $(PART) " in "  "|*" $$name "*) ;; *) continue ;; esac; \
		rm -f $$json; $$p $(B)/bench || [ -e $$json ] || failed="$$failed $$name"; \
		[ ! -e $$json ] || files="$$files $$json"; \
	done; \
	sums=$$(cat $$files /dev/null | sed -n 's/.*"met": \([0-9]*\), "missed": \([0-9]*\).*/\1 \2/p' | \
		awk '{ a += $$1; b += $$2 } END { print a + 0, b + 0 }'); \
	[ -z "$$failed" ] || echo "failed:$$failed"; \
	echo "bench: $${sums% *} goals met, $${sums#* } missed"; \
	[ -z "$$failed" ] && [ "$${sums#* }" = 0 ]
.PHONY: bench-stream

# an agent in a lab: cost, followers, starts; and how late its flows are on a terminal
BENCH_LAB := $(addprefix $(B)/bench/stream/,lab.o terminal.o traffic.o) $(B)/bench/report.o $(B)/libweir.a
STREAM_PARTS += $(B)/bench/stream/agent $(B)/bench/stream/latency
$(B)/bench/stream/agent $(B)/bench/stream/latency: %: %.o $(BENCH_LAB)
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB) -lutil
