// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "lib/wire/known.h"
#include "proto/weir/v1/agent.pb-c.h"
#include "proto/weir/v1/flow.pb-c.h"

enum wire_known wire_known_of(const ProtobufCMessageDescriptor *type)
{
	static const char package[] = "google.protobuf.";
	const char *name = type->name;
	size_t n;

	if (strncmp(name, package, sizeof(package) - 1))
		return WIRE_PLAIN;
	name += sizeof(package) - 1;
	n = strlen(name);
	if (!strcmp(name, "Timestamp"))
		return WIRE_TIMESTAMP;
	if (!strcmp(name, "FieldMask"))
		return WIRE_FIELD_MASK;
	if (!strcmp(name, "Any"))
		return WIRE_ANY;
	return n > 5 && !strcmp(name + n - 5, "Value") && type->n_fields == 1 ? WIRE_WRAPPER : WIRE_PLAIN;
}

const ProtobufCMessageDescriptor *wire_type_of(const char *url)
{
	static const ProtobufCMessageDescriptor *const types[] = {
		&weir__v1__flow_detail__descriptor, &weir__v1__flows_options__descriptor,
	};
	const char *slash = strrchr(url, '/');

	for (unsigned int i = 0; slash && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(slash + 1, types[i]->name))
			return types[i];
	return NULL;
}

size_t wire_camel(const char *name, char *to, size_t size)
{
	size_t n = 0;

	for (; *name && n + 1 < size; name++) {
		if (*name == '_' && name[1]) {
			char c = *++name;

			to[n++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		} else {
			to[n++] = *name;
		}
	}
	to[n] = '\0';
	return n;
}
