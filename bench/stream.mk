# SPDX-License-Identifier: Apache-2.0
# make bench-stream: what the stream promises, measured and judged.  Each program in STREAM_PARTS takes the directory
# for its JSON, prints its rows (bench/report.h) and ends with 1 if a bound was missed; PART="wire" runs some of them.
STREAM_PARTS += $(B)/bench/stream/wire

$(B)/bench/stream/wire: $(B)/bench/stream/wire.o $(B)/bench/report.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_LIB)

bench-stream: bench-deps all $(STREAM_PARTS)
	@missed=; for p in $(STREAM_PARTS); do \
		name=$$(basename $$p); \
		case " $(PART) " in "  "|*" $$name "*) $$p $(B)/bench || missed="$$missed $$name" ;; esac; \
	done; [ -z "$$missed" ] || { echo "missed or failed:$$missed"; exit 1; }
.PHONY: bench-stream

# an agent in a lab: cost, latency, followers
STREAM_PARTS += $(B)/bench/stream/agent
$(B)/bench/stream/agent: $(B)/bench/stream/agent.o $(B)/bench/stream/connections.o $(B)/bench/report.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB) -lutil
