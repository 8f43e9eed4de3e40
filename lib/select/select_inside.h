/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How options become filters.  select_options.c has the table and keeps what was given, in order, after looking at each
 * value; select_value.c makes a value of text; select_clash.c says which options contradict each other; select.c builds.
 */
#ifndef WEIR_LIB_SELECT_INSIDE_H
#define WEIR_LIB_SELECT_INSIDE_H

#include "flow/flow.pb-c.h"
#include "lib/select/select.h"

enum choice_end { END_NEITHER, END_SOURCE, END_DESTINATION, END_EITHER };

/* What a value is, and how it is written. */
enum choice_how {
	HOW_TEXT,			/* as it is: the filter's reader knows */
	HOW_POD, HOW_SERVICE,		/* a namespace may come from elsewhere */
	HOW_NAMESPACE, HOW_ALL_NAMESPACES,
	HOW_IDENTITY, HOW_WORKLOAD, HOW_VERDICT, HOW_DROP_REASON, HOW_TYPE, HOW_FLAGS, HOW_IP_VERSION, HOW_IPV4, HOW_IPV6,
	HOW_NUMBER, HOW_DIRECTION, HOW_INTERFACE, HOW_HEADER, HOW_ENCRYPTED, HOW_UNENCRYPTED, HOW_CEL, HOW_DENIED,
	HOW_POLICY, HOW_RULE,		/* of weir.v1.FlowsOptions */
};

struct choice {				/* an option that selects */
	enum choice_how how;
	enum choice_end end;
	uint32_t source, destination;	/* fields of flow.FlowFilter; of neither end: source */
};

struct given {
	const struct choice *choice;
	const char *name;		/* of the option, without its dashes */
	const char *value;		/* in argv */
	bool not;
};

#define GIVEN_MOST 4096

struct select_given {
	struct given *given;
	unsigned int n;
	bool not;			/* the next one is negated */
	bool follow, all, raw, explain, default_masks, first_said, last_said;
	uint64_t first, last;
	const char *since, *until, *input;
	const char **mask, **allow, **deny;
	unsigned int masks, allows, denies;
};
extern struct select_given select_given;

const struct choice *select_choice(const struct opt *o);	/* NULL: it does not select */

#define SELECT_IDENTITIES 10
extern const char *const select_identities[SELECT_IDENTITIES + 1];	/* those with names */

/* The value of a choice into a field of a filter.  'value' may be another one than given, with its namespace. */
int select_put(Flow__FlowFilter *f, uint32_t field, const struct given *g, const char *value, struct complaint *why);

/* One element more in a repeated field; a text or message is the field's own from then on.  -ENOMEM. */
int select_append(ProtobufCMessage *m, uint32_t field, const void *element);

void select_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *repeated);	/* its elements and room */

/* "option '--NAME': TEXT"; -EINVAL.  'text' is not in 'why'. */
int select_refuse(const char *option, const char *text, struct complaint *why);

/* Do two options given together contradict each other?  Then a sentence. */
int select_clash(const struct given *a, const struct given *b, struct complaint *why);

/* The filters of one list, in a growing array; 'not' which of the options given count. */
struct select_list {
	Flow__FlowFilter **filter;
	size_t n;
};
int select_build(const struct select_given *given, bool not, struct select_list *out, struct complaint *why);
int select_add_filter(struct select_list *list, Flow__FlowFilter *f);		/* 'f' is the list's, also on failure */
int select_add_json(struct select_list *list, const char *option, const char *json, struct complaint *why);

#endif
