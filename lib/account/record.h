/*
 * lib/account/record.h - one account's properties in memory, and as the bytes that the database
 * has.
 *
 * A property that was not set has its default. The bytes are an object (lib/ipc/object.h) whose
 * first field is the kind; properties stand in the schema's order.
 */
#ifndef POSTHORN_LIB_ACCOUNT_RECORD_H
#define POSTHORN_LIB_ACCOUNT_RECORD_H

#include "lib/account/schema.h"
#include "lib/ipc/object.h"

#define RECORD_PROPERTIES_MAX 128 /* of one kind */
#define RECORD_BYTES_MAX (128u << 10)

struct record {
    enum account_kind kind;
    struct slice values[RECORD_PROPERTIES_MAX]; /* ptr NULL: not set */
    char *owned[RECORD_PROPERTIES_MAX];         /* values that were set here */
    bool owns;                                  /* some were */
    struct strbuf bytes;                        /* values that were loaded */
};

/* An empty record; record_free gives back what it came to hold. A record may be loaded again and
 * again. */
struct record record_new(enum account_kind kind);
void record_free(struct record *record);

/* `bytes` are copied. 0, or -1 (EBADMSG): damaged, or not of a kind that we know. */
int record_load(struct record *record, struct slice bytes);
void record_save(const struct record *record, struct strbuf *out);

struct slice record_get(const struct record *record, enum account_property id);
bool record_bool(const struct record *record, enum account_property id);
uint64_t record_u64(const struct record *record, enum account_property id);
bool record_is(const struct record *record, enum account_property id, const char *value);
/* `value` in stored form is copied; empty: back to the default. */
void record_set(struct record *record, enum account_property id, struct slice value);

#endif
