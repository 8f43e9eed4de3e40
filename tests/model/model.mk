# SPDX-License-Identifier: Apache-2.0
# The models by spin: reduced in "make test", the largest instances by "make model".
SLOW += tests/model/model.sh
model: deps-test
	@sh tests/model/model.sh whole
.PHONY: model
