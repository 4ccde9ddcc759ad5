/*
 * lib/store/annotation_file.h - the files that hold annotations: reading, replacing, adding up.
 *
 * For the modules of the store alone. A file is replaced as a whole, under a lock of the caller's.
 */
#ifndef POSTHORN_LIB_STORE_ANNOTATION_FILE_H
#define POSTHORN_LIB_STORE_ANNOTATION_FILE_H

#include "lib/store/annotation_set.h"

#define ANNOTATIONS_SHARED "posthorn.metadata" /* in the folder's directory */
#define ANNOTATIONS_PRIVATE "posthorn.private" /* a directory beside INBOX */
#define ANNOTATIONS_CHANGED                                                                        \
    "posthorn.annotated" /* beside INBOX: 8 bytes, others after a change                           \
                          */
#define ANNOTATION_FILE_NAME_SIZE 64

/* Reads a file below dirfd (-1: none). What is not there is an empty set. 0, or -1 with errno. */
int annotation_file_load(int dirfd, const char *name, struct annotation_set *out);
/* Its `highest` alone; 0 if it is not there. */
int annotation_file_stamp(int dirfd, const char *name, uint64_t *stamp);

/* Writes what is to replace the file beside it, to disk; then it gets the name, on disk, too. */
int annotation_file_write_next(int dirfd, const char *name, struct slice bytes);
int annotation_file_publish(int dirfd, const char *name);

/* Another number than before if a folder's file in that store was replaced. One stat per folder. */
uint64_t annotation_file_fingerprint(int store_dirfd);
/* Bytes of all annotations in one store. */
uint64_t annotation_file_sum(int store_dirfd);

#endif
