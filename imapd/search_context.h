/*
 * imapd/search_context.h - searches whose results are kept up to date for the client (RFC 5267
 * section 4.3: RETURN (UPDATE), ADDTO, REMOVEFROM, CANCELUPDATE).
 */
#ifndef POSTHORN_IMAPD_SEARCH_CONTEXT_H
#define POSTHORN_IMAPD_SEARCH_CONTEXT_H

#include "imapd/arrivals.h"
#include "imapd/search_return.h"
#include "imapd/sort_order.h"

#define SEARCH_CONTEXTS_MAX 16 /* of one session */

/* A searching command with UPDATE. */
struct search_context_spec {
    struct slice criteria;          /* its text, from behind the options and sort criteria */
    struct slice fetch;             /* text of UPDATE's list of items; empty: none */
    const struct sort_order *order; /* NULL: SEARCH, in mailbox order */
    bool is_uid;
};

/* RFC 5267 section 4.3: a tag in use with another context is an error. */
bool search_context_has_tag(const struct session *s, struct slice tag);
/* Keeps the results of the command that has just run up to date under its tag, or tells the client
 * NOUPDATE. */
void search_context_add(struct session *s, const struct search_context_spec *spec,
                        const struct search_found *found);
void search_context_drop_all(struct session *s);

/* Tells about results that were expunged: ahead of EXPUNGE. */
void search_context_send_expunged(struct session *s, const struct mailbox_changes *changes);
/* Tells about all other changes of results: behind EXISTS and FETCH. Of messages that came, and are
 * results, what UPDATE asked for is sent first. */
void search_context_send_changes(struct session *s, struct arrivals *come);

#endif
