/*
 * lib/base/mem.h - allocation that never returns NULL.
 *
 * Out of memory ends the process with EX_TEMPFAIL (75): the queue loses nothing by it. A size from
 * outside is held against a named limit before it comes here.
 */
#ifndef POSTHORN_LIB_BASE_MEM_H
#define POSTHORN_LIB_BASE_MEM_H

#include <stdlib.h>

#include "lib/base/slice.h"

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed; count * size is checked */
void *xrealloc(void *ptr, size_t size);
void *xreallocarray(void *ptr, size_t count, size_t size); /* count * size is checked */
char *xstrdup(const char *text);
char *xslicedup(struct slice s); /* NUL-terminated copy */
__attribute__((format(printf, 1, 2))) char *xasprintf(const char *format, ...);

/* Frees *p (secrets: mem_wipe first) and sets it to NULL: xfree(&x->name). */
#define xfree(pp)                                                                                  \
    do {                                                                                           \
        free(*(pp));                                                                               \
        *(pp) = NULL;                                                                              \
    } while (0)

void mem_wipe(void *ptr, size_t len); /* the compiler cannot leave it out */

/* A broken invariant of ours: writes the place to stderr and aborts. */
#define assert_always(cond) ((cond) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void assert_failed(const char *what, const char *file, int line);

#endif
