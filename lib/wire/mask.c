// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "lib/wire/flow_fields.h"
#include "lib/wire/mask.h"
#include "proto/flow/flow.pb-c.h"

/* Index of the field whose name is the first 'length' bytes of 'name'; -1: there is none. */
static int field_named(const ProtobufCMessageDescriptor *type, const char *name, size_t length)
{
	for (unsigned int i = 0; i < type->n_fields; i++)
		if (!strncmp(type->fields[i].name, name, length) && !type->fields[i].name[length])
			return (int)i;
	return -1;
}

/* What a path may go on into. */
static const ProtobufCMessageDescriptor *below(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED ? field->descriptor : NULL;
}

/* Wants 'field', all of it if 'last'.  The mask below goes to '*mask'; NULL: there is nothing to narrow. */
static int want(struct wire_mask **mask, unsigned int field, bool last)
{
	struct wire_mask *m = *mask;
	bool wholly = m->fields >> field & 1 && !m->part[field];

	m->fields |= 1ULL << field;
	*mask = NULL;
	if (wholly)
		return 0;
	if (last) {
		wire_mask_free(m->part[field]);
		m->part[field] = NULL;
		return 0;
	}
	if (!m->part[field])
		m->part[field] = calloc(1, sizeof(*m));
	*mask = m->part[field];
	return *mask ? 0 : -ENOMEM;
}

/* One path into the tree, which is as deep as the protos nest. */
static int add(struct wire_mask *mask, const char *path)
{
	const ProtobufCMessageDescriptor *type = &flow__flow__descriptor;

	for (;;) {
		size_t length = strcspn(path, ".");
		int field = type ? field_named(type, path, length) : -1;

		if (field < 0)
			return -EINVAL;
		if (mask && want(&mask, (unsigned int)field, !path[length]))
			return -ENOMEM;
		if (!path[length])
			return 0;
		type = below(&type->fields[field]);
		path += length + 1;
	}
}

int wire_mask_new(struct wire_mask **out, char *const *path, size_t paths, struct complaint *why)
{
	struct wire_mask *mask = NULL;
	int err = 0;

	if (paths) {
		mask = calloc(1, sizeof(*mask));
		err = mask ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < paths && !err; i++) {
		err = add(mask, path[i]);
		if (err == -EINVAL) {
			char show[128];

			complaint_set(why, 0, 0, "field mask: '%s' is no field of a flow",
				      complaint_show(path[i], show, sizeof(show)));
		}
	}
	if (err) {
		wire_mask_free(mask);
		return err;
	}
	*out = mask;
	return 0;
}

int wire_mask_without_detail(struct wire_mask **out)
{
	struct wire_mask *mask = calloc(1, sizeof(*mask));

	if (!mask)
		return -ENOMEM;
	mask->fields = ~(1ULL << WIRE_FIELD_EXTENSIONS);
	*out = mask;
	return 0;
}

void wire_mask_free(struct wire_mask *mask)
{
	if (!mask)
		return;
	for (unsigned int i = 0; i < sizeof(mask->part) / sizeof(*mask->part); i++)
		wire_mask_free(mask->part[i]);
	free(mask);
}
