/*
 * accountd/usage.h - what mailboxes hold, as far as it was reported: in memory only.
 */
#ifndef POSTHORN_ACCOUNTD_USAGE_H
#define POSTHORN_ACCOUNTD_USAGE_H

#include <stdint.h>

#include "lib/base/slice.h"

struct usage;

struct usage_entry {
    uint64_t bytes, messages;
    int64_t known_ms; /* clock_mono_ms() of the report; 0: never */
};

struct usage *usage_new(void);
void usage_free(struct usage **usagep);
void usage_set(struct usage *usage, struct slice path, uint64_t bytes, uint64_t messages);
/* NULL: not known. Valid until the next call. */
const struct usage_entry *usage_get(const struct usage *usage, struct slice path);
void usage_forget(struct usage *usage, struct slice path);

#endif
