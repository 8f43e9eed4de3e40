# SPDX-License-Identifier: Apache-2.0
# The page within the relay: relay/ui, bundled where esbuild is, else its modules as they are; embedded either way.
UI_SRC := $(filter-out %.py %.mk %/package.json %/package-lock.json,$(wildcard relay/ui/*.html relay/ui/*.css relay/ui/*.js relay/ui/*.svg))
$(B)/gen/relay/page_files.c: relay/ui/embed.py relay/ui/bundle.sh $(UI_SRC) relay/ui/package-lock.json
	@mkdir -p $(@D)
	@$(if $(SAN),WEIR_OFFLINE=1) sh relay/ui/bundle.sh $(B)/ui $(B)/ui-tools
	python3 relay/ui/embed.py $@.tmp $(B)/ui && mv $@.tmp $@
$(B)/weir-relay: $(B)/gen/relay/page_files.o
