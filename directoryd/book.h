/*
 * directoryd/book.h - the contacts with their index, as one thing that changes.
 */
#ifndef POSTHORN_DIRECTORYD_BOOK_H
#define POSTHORN_DIRECTORYD_BOOK_H

#include "directoryd/grams.h"
#include "directoryd/store.h"
#include "lib/ipc/object.h"

struct book {
    struct store *store;
    struct grams *grams;
};

struct book book_new(void);
void book_free(struct book *book);
/* One of accountd's objects (lib/ipc/contacts.h). 0, or -1: it is none, or there is no room: an
 * older version of it is not shown any more, of a group with too many members none of them. */
int book_take(struct book *book, const struct object_field *fields, uint32_t count);
/* Makes the index anew when much of it is about contacts that are gone. */
void book_tidy(struct book *book);

#endif
