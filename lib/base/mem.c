/*
 * lib/base/mem.c - allocation that never returns NULL.
 */
#include "lib/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static _Noreturn void
out_of_memory(void)
{
    static const char text[] = "out of memory\n";
    ssize_t ignored =
        write(STDERR_FILENO, text, sizeof(text) - 1); /* nothing left to do about it */

    (void)ignored;
    _exit(EX_TEMPFAIL);
}

void *
xmalloc(size_t size)
{
    void *ptr = malloc(size == 0 ? 1 : size);

    if (ptr == NULL)
        out_of_memory();
    return ptr;
}

void *
xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);

    if (ptr == NULL)
        out_of_memory();
    return ptr;
}

void *
xrealloc(void *ptr, size_t size)
{
    void *bigger = realloc(ptr, size == 0 ? 1 : size);

    if (bigger == NULL)
        out_of_memory();
    return bigger;
}

void *
xreallocarray(void *ptr, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        out_of_memory();
    return xrealloc(ptr, count * size);
}

char *
xstrdup(const char *text)
{
    return xslicedup(slice_of(text));
}

char *
xslicedup(struct slice s)
{
    char *copy = xmalloc(s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *
xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int rc;

    va_start(args, format);
    rc = vasprintf(&text, format, args);
    va_end(args);
    if (rc < 0)
        out_of_memory();
    return text;
}

void
mem_wipe(void *ptr, size_t len)
{
    explicit_bzero(ptr, len);
}

_Noreturn void
assert_failed(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
    abort();
}
