/*
 * imapd/filters.h - searches with a name: the search key FILTER (RFC 5466).
 *
 * A filter is an annotation of the server below /private/filters/values, or else below
 * /shared/filters/values.
 */
#ifndef POSTHORN_IMAPD_FILTERS_H
#define POSTHORN_IMAPD_FILTERS_H

#include "imapd/search_args.h"
#include "imapd/session.h"

/* Where search keys find the filters of this session's user. */
struct filter_source filters_of(struct session *s);

/* Adds "NAME CRITERIA; NAME CRITERIA" of posthorn.conf to the server's annotations; what is no
 * filter is left out, and logged. */
void filters_take_shared(struct server *server, struct slice text);

/* May this entry of the server have this value? Filters have to be search criteria. */
bool filters_may_set(struct session *s, struct slice entry, struct slice value);

#endif
