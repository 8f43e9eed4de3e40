/* SPDX-License-Identifier: Apache-2.0 */
/* What the page is made of; build/gen/relay/page_files.c, written by relay/ui/embed.py. */
#ifndef WEIR_RELAY_PAGE_FILES_H
#define WEIR_RELAY_PAGE_FILES_H

#include <stddef.h>
#include <stdint.h>

struct page_file {
	const char *path;		/* "/", "/app.js" */
	const char *type, *etag;
	const uint8_t *bytes, *gzip;	/* 'gzip' NULL: not worth it */
	size_t size, gzip_size;
};
extern const struct page_file page_files[];
extern const unsigned int page_files_count;

#endif
