# SPDX-License-Identifier: Apache-2.0
# The demo's shop is the sample, embedded.
$(B)/tools/lab_shop.o: policies/shop/cluster.yaml policies/shop/policies.yaml

# Manual pages and completion: the programs write them from their own tables.
MAN := $(addprefix $(B)/man/weir-,$(addsuffix .1,status observe top map list endpoints why policy lab watch config version completion)) \
	$(B)/man/weir.1 $(B)/man/weir-agent.8 $(B)/man/weir-relay.8
SHELLS := $(addprefix $(B)/completion/weir.,bash zsh fish)
$(B)/man/weir.1: $(B)/weir
	@mkdir -p $(@D)
	$< man >$@
$(B)/man/weir-%.1: $(B)/weir
	@mkdir -p $(@D)
	$< man $* >$@
$(B)/man/weir-%.8: $(B)/weir-%
	@mkdir -p $(@D)
	$< --man >$@
$(B)/completion/weir.%: $(B)/weir
	@mkdir -p $(@D)
	$< completion $* >$@
all: $(MAN) $(SHELLS)

install: install-doc
install-doc: $(MAN) $(SHELLS)
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 $(filter %.1,$(MAN)) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(filter %.8,$(MAN)) $(DESTDIR)$(PREFIX)/share/man/man8
	install -D -m 644 $(B)/completion/weir.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weir
	install -D -m 644 $(B)/completion/weir.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_weir
	install -D -m 644 $(B)/completion/weir.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/weir.fish
.PHONY: install-doc
