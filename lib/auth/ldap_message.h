/*
 * lib/auth/ldap_message.h - the few messages of LDAP (RFC 4511) that a client needs to have a
 * password checked: StartTLS, simple bind, a search by one attribute. liblber behind it.
 */
#ifndef POSTHORN_LIB_AUTH_LDAP_MESSAGE_H
#define POSTHORN_LIB_AUTH_LDAP_MESSAGE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define LDAP_MESSAGE_MAX 262144 /* bytes of one that comes */
#define LDAP_DN_MAX 4096

/* Result codes (RFC 4511 appendix A). */
enum {
    LDAP_RESULT_SUCCESS = 0,
    LDAP_RESULT_SIZE_LIMIT = 4,
    LDAP_RESULT_NO_SUCH_OBJECT = 32,
    LDAP_RESULT_INVALID_CREDENTIALS = 49,
};

/* Requests, appended to `out` whole. 0, or -1: it does not fit. */
int ldap_starttls_encode(struct strbuf *out, int32_t id);
int ldap_bind_encode(struct strbuf *out, int32_t id, struct slice name, struct slice password);
/* Entries below `base` whose `attribute` is `value`: their names and no attributes, 2 at most. */
int ldap_search_encode(struct strbuf *out, int32_t id, struct slice base, struct slice attribute,
                       struct slice value);
int ldap_unbind_encode(struct strbuf *out, int32_t id);

enum ldap_response_type {
    LDAP_RESPONSE_RESULT, /* of a bind, of StartTLS, or the end of a search */
    LDAP_RESPONSE_ENTRY,
    LDAP_RESPONSE_OTHER /* references, notices: of no use here */
};
struct ldap_response {
    int32_t id;
    enum ldap_response_type type;
    int32_t result;    /* RESULT */
    struct slice text; /* RESULT: what the server says, untrusted; borrows from the message */
    struct slice dn;   /* ENTRY */
};
/* The length of the message that starts with these bytes: 0 more are needed, -1 damaged or longer
 * than LDAP_MESSAGE_MAX. */
int ldap_message_length(struct slice start, size_t *length);
/* One whole message. 0, or -1: damaged. */
int ldap_response_decode(struct slice message, struct ldap_response *out);

#endif
