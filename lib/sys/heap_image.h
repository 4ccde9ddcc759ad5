/*
 * lib/sys/heap_image.h - lets forked children give back heap pages that say what the parent's say.
 *
 * A child that writes to a page which it shares with its parent gets a copy of its own, and keeps
 * it even when the old value is written back. OpenSSL does that to dozens of pages in each
 * handshake (reference counts up and down, locks taken and left). If the parent's heap is a private
 * mapping of a file in memory instead of anonymous pages, the kernel can throw such a copy away and
 * show the file's page again.
 */
#ifndef POSTHORN_LIB_SYS_HEAP_IMAGE_H
#define POSTHORN_LIB_SYS_HEAP_IMAGE_H

/* Makes the file, before a sandbox that may not allow it. -1 with errno. */
int heap_image_open(void);
/* In the process that forks, when its heap is settled: maps the file in place of the heap as it is
 * now. Closes `fd`; a negative one is fine. 0, or -1 with errno: all goes on as before, with more
 * memory. Call once, with one thread, and nothing but a fork after it. */
int heap_image_make(int fd);
/* In a child that is about to be idle: gives back what is the same again. Without an image nothing
 * happens. */
void heap_image_release(void);

#endif
