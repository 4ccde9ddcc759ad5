/*
 * ldapd/message.h - one request of a client: its envelope and its controls, its filter.
 */
#ifndef POSTHORN_LDAPD_MESSAGE_H
#define POSTHORN_LDAPD_MESSAGE_H

#include "ldapd/protocol.h"
#include "lib/ldap/ber.h"
#include "lib/ldap/filter.h"

struct message_control {
    struct slice oid;
    bool critical, has_value;
    struct slice value;
};

struct message {
    uint32_t id;
    unsigned op;       /* enum ldap_op, or anything else */
    struct slice body; /* content of the operation */
    struct message_control controls[LDAP_CONTROLS_MAX];
    size_t control_count;
};

/* How long is the message that begins with `bytes`? 0: more bytes are needed to tell; -1: it is
 * none, or longer than LDAP_MESSAGE_MAX. */
int64_t message_length(struct slice bytes);
/* All of `bytes` is one message. Borrows from it. 0, or -1: malformed. */
int message_decode(struct slice bytes, struct message *message);

/* Is there a control of that type? NULL: no. */
const struct message_control *message_control_find(const struct message *message, const char *oid);

/* A Filter (RFC 4511 section 4.5.1) off *rest. -1: malformed, too deep or too large. Borrows. */
int message_take_filter(struct slice *rest, struct ldap_filter *filter);
/* The same of a ValuesReturnFilter (RFC 3876): an OR of simple items. */
int message_take_values_filter(struct slice *rest, struct ldap_filter *filter);

#endif
