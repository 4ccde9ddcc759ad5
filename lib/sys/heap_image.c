/*
 * lib/sys/heap_image.c - lets forked children give back heap pages that say what the parent's say.
 *
 * Measured with imapd, TLS, INBOX selected, idle: 236 KB private memory without it, 170 KB with it.
 *
 * The image ends at a fence, a piece of memory that is never freed: the heap can't shrink below it,
 * so each page of the image stays what it is, a page of the file or a private copy of one.
 */
#include "lib/sys/heap_image.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

enum { FENCE = 64 /* bytes; small, so that it comes from the heap and not from mmap */ };

extern char end; /* of the program's own data (end(3)): the heap is above */

static char *heap_start, *fence; /* the fence is never freed */
static const char *image;        /* the file's pages, read-only; NULL: there is none */
static size_t image_len, page_size;

int
heap_image_open(void)
{
    return memfd_create("heap", MFD_CLOEXEC);
}

static char *
page_of(const void *at)
{
    return (char *)((uintptr_t)at / page_size * page_size);
}

/* The lowest page of the heap that `inside` lies in: below it is a hole, for which even this
 * advice, which changes nothing, fails, or the program. */
static char *
find_start(const void *inside)
{
    char *start = page_of(inside), *lowest = page_of(&end) + page_size;

    while (start > lowest && madvise(start - page_size, page_size, MADV_NORMAL) == 0)
        start -= page_size;
    return start;
}

/* From here to the mapping nothing may change the heap: no allocation, no library that has any. */
static int
replace_heap(int fd, size_t len)
{
    void *same;

    if (write_all(fd, slice_make(heap_start, len)) < 0)
        return -1;
    image = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    if (image == MAP_FAILED) {
        image = NULL;
        return -1;
    }
    image_len = len;
    same = mmap(heap_start, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    if (same != MAP_FAILED)
        return 0;
    (void)munmap((void *)(uintptr_t)image, len); /* cannot fail: it is what mmap gave */
    image = NULL;
    return -1;
}

int
heap_image_make(int fd)
{
    int rc = -1;

    if (fd < 0)
        return -1;
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    fence = xmalloc(FENCE);                        /* never freed */
    if (fence > &end && fence < (char *)sbrk(0)) { /* not so with a sanitizer's allocator */
        heap_start = find_start(fence);
        if (page_of(fence) > heap_start)
            rc = replace_heap(fd, (size_t)(page_of(fence) - heap_start));
    }
    close_keep_errno(fd);
    return rc;
}

void
heap_image_release(void)
{
    size_t at = 0;

    if (image == NULL)
        return;
    while (at < image_len) {
        size_t from = at;

        while (at < image_len && memcmp(heap_start + at, image + at, page_size) == 0)
            at += page_size;
        if (at > from) /* advice; a page that stays costs memory alone */
            (void)madvise(heap_start + from, at - from, MADV_DONTNEED);
        at += page_size;
    }
    (void)madvise((void *)(uintptr_t)image, image_len, MADV_DONTNEED);
}
