/*
 * lib/store/delivery_file.h - one delivered message's file, and whether it was delivered before.
 */
#ifndef POSTHORN_LIB_STORE_DELIVERY_FILE_H
#define POSTHORN_LIB_STORE_DELIVERY_FILE_H

#include "lib/store/delivery.h"
#include "lib/store/folder.h"

/* Puts the message into cur/ of the folder at `dirfd`, linked, or copied where no link can be made.
 * *existed: an attempt before had put it there. */
int delivery_file_place(const struct delivery_message *m, int dirfd, char name[FILE_NAME_SIZE],
                        bool *existed);
/* Takes the file of an attempt back that got no record; not one that was there before. */
void delivery_file_take_back(const struct folder *f, const char *name, bool existed);
/* *was: this message was delivered here before. If the record of that is not known to be on disk,
 * *unsettled_end is its end, for the flush; a file that a power cut took is put back. */
int delivery_file_was_delivered(const struct delivery_message *m, const struct folder *f,
                                const struct appender *a, uint64_t *unsettled_end, bool *was);

#endif
