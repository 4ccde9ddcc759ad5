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

/* A group's member that comes, or one that goes. */
struct book_member {
    struct slice member; /* as in lib/ipc/contacts.h: of one that goes without the letter */
    bool is_gone;
};
/* The objects `member` and `member-gone` of one group, in their order, with one copy of all its
 * members. As book_take(). */
int book_take_members(struct book *book, struct slice name, const struct book_member *changes,
                      uint32_t count);
/* Makes the index anew when much of it is about contacts that are gone. */
void book_tidy(struct book *book);

#endif
