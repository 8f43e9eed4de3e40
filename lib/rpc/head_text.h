/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of a call as strings that live as long as it: gRPC's own have no end mark.
 *
 *	text = head_text(&call->texts, &call->headers, "x-request-id");	NULL if it has none
 *	head_text_free(&call->texts);
 */
#ifndef WEIR_LIB_RPC_HEAD_TEXT_H
#define WEIR_LIB_RPC_HEAD_TEXT_H

#include <grpc/grpc.h>

struct head_kept;

const char *head_text(struct head_kept **kept, const grpc_metadata_array *headers, const char *name);
void head_text_free(struct head_kept **kept);

#endif
