/*
 * stsd/days.h - days of TLS outcomes for people to look at, and the end of old ones.
 */
#ifndef POSTHORN_STSD_DAYS_H
#define POSTHORN_STSD_DAYS_H

#include "stsd/tally.h"

/* Appends an object for each policy's successes and for each kind of failure; `domain` empty: of
 * all domains. */
void days_show(const struct tally *tally, struct slice domain, struct strbuf *objects);
/* Removes the files of days before the last `keep` ones, and whatever else is in the directory. */
void days_remove_old(int dirfd, int64_t now_ms, int keep);

#endif
