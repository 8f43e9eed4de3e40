# SPDX-License-Identifier: Apache-2.0
# The demo's shop is the sample, embedded.
$(B)/tools/lab_shop.o: policies/shop/cluster.yaml policies/shop/policies.yaml
