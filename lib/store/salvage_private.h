/*
 * lib/store/salvage_private.h - a salvage in progress: for lib/store/salvage*.c alone.
 */
#ifndef POSTHORN_LIB_STORE_SALVAGE_PRIVATE_H
#define POSTHORN_LIB_STORE_SALVAGE_PRIVATE_H

#include "lib/store/salvage.h"

#define SALVAGE_FILE_MAX (UINT64_C(4) << 30) /* bytes of a journal */

/* A file in cur/ and what it says of itself; `a` borrows from it. */
struct found_file {
    char name[FILE_NAME_SIZE];
    struct arrival a;
    char email_id[EMAIL_ID_SIZE];
};

struct salvage {
    struct store *store;
    int dirfd;
    bool inbox;
    struct journal old;
    struct slice bytes; /* all of the old file */
    struct journal_header header;
    uint64_t first_gap; /* offset of the first damage; UINT64_MAX: none */
    struct view view;
    struct arrival *arrivals; /* all that were read, as they came; names borrow from `bytes` */
    size_t arrival_count, arrival_cap;
    uint64_t *names; /* hashes of their names, sorted, and behind `sorted` as they came */
    size_t name_count, name_cap, sorted;
    struct found_file **files; /* what `arrivals` borrow that came from no record */
    size_t file_count, file_cap;
    struct item *keys;
    size_t key_count, key_cap;
    struct uid_range *voided;
    size_t voided_count, voided_cap;
    struct strbuf record, records;
    struct record_state state;
    struct salvage_report *report;
};

/* `list` with room for one more. */
void *salvage_grow(void *list, size_t count, size_t *cap, size_t size);

/* ---- salvage_read.c ---- */
/* Reads all of the locked old journal: its header, mended or made, every record that checks out,
 * and the view that they come to. -1 with errno. */
int salvage_read(struct salvage *s);
void salvage_note_name(struct salvage *s, struct slice name);
bool salvage_is_named(const struct salvage *s, struct slice file); /* by a record, or noted */

/* ---- salvage_files.c ---- */
/* Fills in what a file in cur/ says of itself. -1: it is none of ours to take. */
int salvage_describe_file(const struct salvage *s, struct slice name, struct found_file *f);
/* Runs each() over the files in cur/ that no record names, until it returns true. */
void salvage_each_unnamed(struct salvage *s,
                          bool (*each)(struct salvage *s, struct slice name, void *arg), void *arg);

#endif
