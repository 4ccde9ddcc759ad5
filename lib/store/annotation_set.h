/*
 * lib/store/annotation_set.h - the annotations of one file (RFC 5464): their bytes on disk, and a
 * list of them in memory. No I/O.
 *
 * A set is small (limits of the caller's apply) and is read and written as a whole. Each entry
 * carries when it was last changed, by a clock of the file's own that only rises; a removed one
 * stays for a while without a value, so that other sessions can be told. doc/store.md,
 * "Annotations".
 */
#ifndef POSTHORN_LIB_STORE_ANNOTATION_SET_H
#define POSTHORN_LIB_STORE_ANNOTATION_SET_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define ANNOTATION_NAME_MAX 255         /* bytes of an entry's name */
#define ANNOTATION_FILE_MAX (17u << 20) /* bytes of one file */
#define ANNOTATION_REMOVED_MAX 100      /* removed entries that are remembered */
#define ANNOTATION_HEADER_SIZE 32       /* bytes, of a file */

struct annotation {
    struct slice name;  /* as it was spelt first; compared without regard to case */
    struct slice value; /* any bytes; {NULL, 0}: removed */
    uint64_t changed;
};

struct annotation_set {
    struct strbuf text; /* that the entries borrow from; may be empty */
    struct annotation *list;
    size_t count, cap;
    uint64_t highest; /* of all `changed` so far; 0: there was never one */
};

/* Takes the bytes of a file, which the set then owns (`text` is emptied), also on failure. 0, or -1
 * with errno EBADMSG (damaged) or EPROTONOSUPPORT (of another version). */
int annotation_set_parse(struct strbuf *text, struct annotation_set *out);
/* `highest` out of a file's first ANNOTATION_HEADER_SIZE bytes, which are not verified. */
int annotation_set_parse_highest(struct slice header, uint64_t *highest);
void annotation_set_free(struct annotation_set *set);

/* NULL: there is none, or it was removed. */
const struct annotation *annotation_set_find(const struct annotation_set *set, struct slice name);
/* Entries with a value. */
size_t annotation_set_count(const struct annotation_set *set);

/* Gives the entry a value ({NULL, 0} removes it), which is borrowed like `name`. */
void annotation_set_put(struct annotation_set *set, struct slice name, struct slice value,
                        uint64_t changed);
/* Appends the bytes for a file. False: they would pass `out`'s ceiling. */
bool annotation_set_write(const struct annotation_set *set, struct strbuf *out);

#endif
