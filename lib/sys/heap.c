/*
 * lib/sys/heap.c - keeps the private memory of a parent and its many children small.
 *
 * Measured with pop3d, TLS, logged in and idle: 332 KB private memory a session without heap_seal,
 * 256 KB with it; lib/sys/heap_image does the rest.
 */
#include "lib/sys/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/sys/heap_image.h"

#define LARGEST 65536 /* bytes; below the threshold of mmap */
#define SMALL 1040    /* up to here glibc has a list for each size */
#define STEP 16
#define STACK_MAX 131072   /* bytes below which nothing is given back */
#define SESSION_LARGE 8192 /* bytes; such buffers of a child are mapped, and given back, alone */
#define SEAL_MAX (1 << 20) /* bytes that are spent on it, whatever the allocator is like */

void
heap_tune(void)
{
    /* advice: nothing depends on its being taken */
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MXFAST, 0); /* else each child sorts the parent's free chunks, page by page */
    (void)mallopt(M_TOP_PAD, 16 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 64 * 1024);
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* Takes chunks of this size as long as they come from below `top`. They are never freed: that is
 * their purpose. */
static void
fill_holes(size_t size, uintptr_t top, size_t *left)
{
    void *chunk = xmalloc(size);

    while ((uintptr_t)chunk < top && *left >= size) {
        *left -= size;
        chunk = xmalloc(size);
    }
    free(chunk);
}

/* A chunk where the heap goes on that nobody has used; holes as large as LARGEST are filled on the
 * way. */
static void *
take_top(size_t *left)
{
    uintptr_t inside; /* what begins below it and is as large lies in a hole */
    void *chunk;

    (void)malloc_trim(0);
    inside = (uintptr_t)sbrk(0) - LARGEST;
    for (;;) {
        chunk = xmalloc(LARGEST + 1);
        if ((uintptr_t)chunk >= inside || *left <= LARGEST)
            return chunk;
        *left -= LARGEST + 1; /* never freed, like those of fill_holes */
    }
}

void
heap_seal(void)
{
    size_t left = SEAL_MAX;
    void *at_top = take_top(&left);
    uintptr_t top = (uintptr_t)at_top;

    free(at_top);
    for (size_t size = LARGEST; size > SMALL; size -= size / 8)
        fill_holes(size, top, &left);
    for (size_t size = SMALL; size >= STEP; size -= STEP)
        fill_holes(size, top, &left);
    (void)malloc_trim(0); /* the top, as far as it is free */
    /* What passes through a session, records and lines, lies apart from what stays in it. */
    (void)mallopt(M_MMAP_THRESHOLD, SESSION_LARGE);
}

/* A handshake goes down some 16 KB; what lies below this frame by more than a page is dead. */
static void
give_back_stack(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t end = ((uintptr_t)__builtin_frame_address(0) / page - 1) * page;

    /* the lower part may not be mapped: that is an error, after the rest has been done */
    (void)madvise((void *)(end - STACK_MAX), STACK_MAX, MADV_DONTNEED);
}

void
heap_give_back(void)
{
    (void)malloc_trim(0); /* tells whether it found anything */
    heap_image_release();
    give_back_stack();
}
