/*
 * lib/ldap/call.h - the messages of LDAP (RFC 4511) that a client needs: StartTLS, simple bind, a
 * search with pages (RFC 2696), unbind.
 */
#ifndef POSTHORN_LIB_LDAP_CALL_H
#define POSTHORN_LIB_LDAP_CALL_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define LDAP_ANSWER_MAX (4u << 20) /* bytes of a message that comes: the longest is a group */
#define LDAP_COOKIE_MAX 4096       /* bytes: where a server's next page begins */
#define LDAP_WANTED_MAX 32         /* attributes that a search asks for */

/* Result codes (RFC 4511 appendix A). */
enum {
    LDAP_RESULT_SUCCESS = 0,
    LDAP_RESULT_SIZE_LIMIT = 4,
    LDAP_RESULT_NO_SUCH_OBJECT = 32,
    LDAP_RESULT_INVALID_CREDENTIALS = 49,
};

struct ldap_wanted {
    struct slice base;
    struct slice filter;         /* encoded: lib/ldap/filter_text.h, or ldap_call_equal */
    const struct slice *names;   /* of attributes; none: the entries' names alone */
    size_t name_count;           /* at most LDAP_WANTED_MAX */
    uint32_t size_max, time_max; /* entries, seconds; 0: as the server will have it */
    uint32_t page_size;          /* entries; 0: no pages */
    struct slice cookie;         /* of the page before; "": the first one */
};

/* Requests, appended to `out` whole. 0, or -1: it does not fit. */
int ldap_call_starttls(struct strbuf *out, int32_t id);
int ldap_call_bind(struct strbuf *out, int32_t id, struct slice name, struct slice password);
int ldap_call_search(struct strbuf *out, int32_t id, const struct ldap_wanted *wanted);
int ldap_call_unbind(struct strbuf *out, int32_t id);
/* The filter (attribute=value), whatever the value is made of. */
int ldap_call_equal(struct strbuf *out, struct slice attribute, struct slice value);

enum ldap_response_type {
    LDAP_RESPONSE_RESULT, /* of a bind, of StartTLS, or the end of a search */
    LDAP_RESPONSE_ENTRY,
    LDAP_RESPONSE_REFERENCE, /* part of the answer is elsewhere (RFC 4511 section 4.5.3) */
    LDAP_RESPONSE_OTHER      /* notices: of no use here */
};
struct ldap_response {
    int32_t id;
    enum ldap_response_type type;
    int32_t result;          /* RESULT */
    struct slice text;       /* RESULT: what the server says, untrusted; borrows from the message */
    struct slice cookie;     /* RESULT: not empty: there is another page */
    struct slice dn;         /* ENTRY */
    struct slice attributes; /* ENTRY: for ldap_call_attribute */
};
/* The length of the message that starts with these bytes: 0 more are needed, -1 damaged or longer
 * than LDAP_ANSWER_MAX. */
int ldap_call_length(struct slice start, size_t *length);
/* One whole message. 0, or -1: damaged. */
int ldap_call_decode(struct slice message, struct ldap_response *out);
/* Takes the next attribute off an entry's, and the next value off an attribute's: 1, 0 at the end,
 * -1 damaged. The description may have options behind a ';'. */
int ldap_call_attribute(struct slice *attributes, struct slice *description, struct slice *values);
int ldap_call_value(struct slice *values, struct slice *value);

#endif
