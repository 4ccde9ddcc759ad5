/*
 * lib/account/listing.h - which objects of a listing are searched for, and in which order they
 * stand: the same for the API and the command line. Letters of ASCII in either case are alike.
 */
#ifndef POSTHORN_LIB_ACCOUNT_LISTING_H
#define POSTHORN_LIB_ACCOUNT_LISTING_H

#include "lib/ipc/object.h"

/* Is the text in any value? "" is. */
bool listing_has(const struct object_field *fields, uint32_t count, struct slice wanted);
/* As qsort wants it. Numbers are digits without zeros in front; empty is less than any. */
int listing_compare_text(struct slice a, struct slice b);
int listing_compare_number(struct slice a, struct slice b);

#endif
