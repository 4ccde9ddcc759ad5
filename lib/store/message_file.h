/*
 * lib/store/message_file.h - message files in a folder's cur/: finding, linking, copying.
 *
 * A file stands under the name in its arrival record, or under one that differs behind ":2," only:
 * other programs keep their flags there.
 */
#ifndef POSTHORN_LIB_STORE_MESSAGE_FILE_H
#define POSTHORN_LIB_STORE_MESSAGE_FILE_H

#include "lib/store/folder.h"

/* For reading. -1 with errno: ENOENT it is not there. */
int message_file_open(int dirfd, struct slice name);
/* The path below dirfd under which it is now. ENOENT: it is not there. */
int message_file_find(int dirfd, struct slice name, char path[FILE_PATH_SIZE]);
/* True if it is there, and not shorter than `size`. */
bool message_file_exists(int dirfd, struct slice name, uint64_t size);
/* *crc: CRC-32C of the first `size` bytes. -1 with errno: EPIPE, there are fewer. */
int message_file_crc(int fd, uint64_t size, uint32_t *crc);
/* The same for all names that differ behind the flags' mark only, else most likely another. */
uint64_t message_file_hash(struct slice name);
/* Links it to "cur/" + `to` below to_dirfd; a flushed copy where no link can be made (EMLINK: a
 * file has at most 65,000 names on ext4; EPERM: where fs.protected_hardlinks is set, a user cannot
 * link a file that smtpd wrote). */
int message_file_link_path(int dirfd, const char *from, uint64_t size, int to_dirfd,
                           const char *to);
int message_file_link(int dirfd, struct slice name, uint64_t size, int to_dirfd, const char *to);
/* Copies the first `size` bytes of `fd` to "cur/" + `to` below dirfd, flushed before it gets that
 * name. */
int message_file_copy(int fd, uint64_t size, int dirfd, const char *to);

#endif
