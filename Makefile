# SPDX-License-Identifier: Apache-2.0
# The only entry.  B is where everything that is built goes; a second tree of another kind is B=build-x.
#
#	make			everything: build/weir, build/weir-agent, the kernel object
#	make demo		a live cluster on this machine
#	make test		all that CI runs; make quick: the part that takes a minute
#	make SAN=1 B=build-san	with ASan and UBSan
#
# Each folder may add targets in a .mk file of its own.
B ?= build
CC = gcc
CLANG ?= $(firstword $(shell command -v clang-19 clang-18 clang-17 clang-16 clang 2>/dev/null))
ARCH := $(shell uname -m)
BPF_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(ARCH)))
VERSION := 0.1.0

CFLAGS ?= -O2 -g
WEIR_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -D_GNU_SOURCE \
	-I. -Iinclude -I$(B)/gen -I$(B)/gen/proto -DWEIR_VERSION='"$(VERSION)"' $(CFLAGS)
ifdef SAN
# under sanitizers gcc warns of what they themselves insert: the plain build is the strict one
WEIR_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-error
WEIR_LDFLAGS += -fsanitize=address,undefined
endif
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Iinclude -I. \
	-idirafter /usr/include/$(ARCH)-linux-gnu -D__TARGET_ARCH_$(BPF_ARCH)
DEPS = -MMD -MP -MF $@.d

LIB_SRC := $(wildcard lib/*.c lib/*/*.c)
AGENT_SRC := $(wildcard agent/*.c)
RELAY_SRC := $(wildcard relay/*.c relay/*/*.c)
TOOLS_SRC := $(wildcard tools/*.c tools/*/*.c)
PROTO := $(shell find proto -name '*.proto')
GOOGLE_PROTO := $(addprefix google/protobuf/,any timestamp wrappers field_mask)
PROTO_C := $(PROTO:proto/%.proto=$(B)/gen/proto/%.pb-c.c) $(GOOGLE_PROTO:%=$(B)/gen/proto/%.pb-c.c)
PROTO_H := $(PROTO_C:.c=.h) $(B)/gen/proto/descriptors.inc
obj = $(patsubst %.c,$(B)/%.o,$(1))

LIBS_LIB := -lyaml -lprotobuf-c -lpthread -lm
LIBS_RPC := -lgrpc -lgpr -lssl -lcrypto
# the agent has gRPC and what it needs within: loading 60 libraries takes 7.7 MiB, asked or not, and a node needs none of them
LIBS_RPC_WITHIN = -Wl,-Bstatic -Wl,--start-group $(filter-out -ldl -lrt -lm -pthread -Wl%,$(shell pkg-config --static --libs grpc)) \
	$(LIBS_BPF) -lyaml -lprotobuf-c -lstdc++ -Wl,--end-group -Wl,-Bdynamic -Wl,--gc-sections -Wl,-z,pack-relative-relocs -static-libgcc -ldl -lm -lpthread
LIBS_BPF := -lbpf -lelf -lz

all: deps $(B)/weir $(B)/weir-agent

# What is missing is installed when root, named otherwise.
deps:
	@sh deploy/packages build
deps-test:
	@sh deploy/packages build test

$(B)/gen/proto/%.pb-c.c $(B)/gen/proto/%.pb-c.h: proto/%.proto
	@mkdir -p $(B)/gen/proto
	protoc-c --proto_path=proto --proto_path=/usr/include --c_out=$(B)/gen/proto $<
# libprotobuf-c has no well-known types
$(B)/gen/proto/google/%.pb-c.c $(B)/gen/proto/google/%.pb-c.h: /usr/include/google/%.proto
	@mkdir -p $(B)/gen/proto
	protoc-c --proto_path=/usr/include --c_out=$(B)/gen/proto $<
# what reflection answers, as the bytes of an array
$(B)/gen/proto/descriptors.inc: $(PROTO)
	@mkdir -p $(@D)
	protoc --proto_path=proto --proto_path=/usr/include --include_imports --descriptor_set_out=$@.tmp $(PROTO)
	od -An -v -tx1 $@.tmp | sed 's/ \(..\)/0x\1,/g' >$@ && rm $@.tmp

$(B)/%.o: %.c | $(PROTO_H)
	@mkdir -p $(@D)
	$(CC) $(WEIR_CFLAGS) $(DEPS) -c $< -o $@
$(B)/gen/%.o: $(B)/gen/%.c | $(PROTO_H)
	$(CC) $(WEIR_CFLAGS) -I$(B)/gen/proto -c $< -o $@

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) $(DEPS) -c $< -o $@
# the ABI of the kernel side as a header: maps and programs by name
$(B)/gen/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	PATH=$$PATH:/usr/sbin bpftool gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

$(B)/libweir.a: $(call obj,$(LIB_SRC)) $(PROTO_C:.c=.o)
	rm -f $@ && ar rcs $@ $^

# only these know libbpf: agent/datapath.c, agent/attach.c, agent/flows.c and the BPF tests
$(call obj,$(AGENT_SRC)): | $(B)/gen/bpf/weir.skel.h
$(B)/weir-agent: $(call obj,$(AGENT_SRC)) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC_WITHIN)
$(B)/weir: $(call obj,$(TOOLS_SRC)) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB)
ifneq ($(RELAY_SRC),)
all: $(B)/weir-relay
$(B)/weir-relay: $(call obj,$(RELAY_SRC)) $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC_WITHIN)
endif

# A unit test is one file, linked with the library.
UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT := $(UNIT_SRC:%.c=$(B)/%)
$(UNIT): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libweir.a
	$(CC) $(WEIR_LDFLAGS) $^ -o $@ $(LIBS_RPC) $(LIBS_LIB)
unit: $(UNIT)

include $(sort $(wildcard bpf/*.mk lib/*.mk agent/*.mk relay/*.mk tools/*.mk tests/*/*.mk bench/*.mk deploy/*.mk))

QUICK += tests/check-layout $(UNIT)
tests/check-layout: | $(PROTO_H)

bench-stream: $(STREAM_PARTS)		# here, where every part is known
test: deps-test $(QUICK) $(SLOW) $(TEST_NEEDS) all
	@MAKEFLAGS= B=$(B) sh tests/run $(QUICK) $(SLOW)
quick: deps-test $(QUICK) $(TEST_NEEDS) all
	@MAKEFLAGS= B=$(B) sh tests/run $(QUICK)
demo: all
	@$(B)/weir lab demo $(if $(SECONDS),--seconds $(SECONDS))

check-layout: $(PROTO_H)
	@B=$(B) sh tests/check-layout

DESTDIR ?=
PREFIX ?= /usr/local
install: all
	install -D -m 755 $(B)/weir $(DESTDIR)$(PREFIX)/bin/weir
	install -D -m 755 $(B)/weir-agent $(DESTDIR)$(PREFIX)/sbin/weir-agent
	install -D -m 755 $(B)/weir-relay $(DESTDIR)$(PREFIX)/sbin/weir-relay
	@install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for u in weir-agent weir-relay; do sed 's#/usr/local/#$(PREFIX)/#' deploy/systemd/$$u.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$$u.service || exit 1; done
size: all
	@size $(B)/weir $(B)/weir-agent $(B)/bpf/weir.bpf.o && ls -l $(B)/weir $(B)/weir-agent | awk '{ print $$5, $$9 }'
clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.o.d' 2>/dev/null)
.PHONY: all deps deps-test unit test quick demo check-layout install size clean
.SECONDARY:
.DELETE_ON_ERROR:
