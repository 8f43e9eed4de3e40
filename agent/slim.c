// SPDX-License-Identifier: Apache-2.0
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/slim.h"

void slim_heap(void)
{
	malloc_trim(0);
}

/* Segments that nobody may write are the file's own pages: dropping them loses nothing. */
static int on_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr, to = (from + p->p_filesz) & ~(page - 1);

		from &= ~(page - 1);
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && to > from)
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 1;			/* the first is the program itself */
}

void slim_program(void)
{
	dl_iterate_phdr(on_object, NULL);
}
