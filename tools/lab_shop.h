/* SPDX-License-Identifier: Apache-2.0 */
/* The shop of policies/shop, built into the program so that the demo runs anywhere. */
#ifndef WEIR_TOOLS_LAB_SHOP_H
#define WEIR_TOOLS_LAB_SHOP_H

int shop_write(const char *dir);	/* makes the directory, and its manifests in it */

#endif
