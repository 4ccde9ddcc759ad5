/*
 * lib/ldap/client.h - a conversation with a directory, for a process that may block: the requests
 * of lib/ldap/call.h, each with its answer. The connection and its TLS are the caller's.
 */
#ifndef POSTHORN_LIB_LDAP_CLIENT_H
#define POSTHORN_LIB_LDAP_CLIENT_H

#include "lib/ldap/call.h"
#include "lib/tls/stream.h"

struct ldap_client {
    struct stream *stream;
    int64_t deadline_mono_ms; /* of all of it */
    int32_t last_id;
    struct strbuf message; /* the last that came */
    const char *trouble;   /* after a -1: why, a constant */
    int32_t result;        /* of the last request that was answered */
    struct slice text;     /* what the server said to that; until the next request */
};

struct ldap_client ldap_client_new(struct stream *stream, int64_t deadline_mono_ms);
/* Says goodbye, if it can. */
void ldap_client_end(struct ldap_client *client);

/* 0: there was an answer, and its code is in `result`; -1: there was none. */
int ldap_client_starttls(struct ldap_client *client); /* after it the caller begins with TLS */
int ldap_client_bind(struct ldap_client *client, struct slice name, struct slice password);
/* Every page of a search, or all at once. each() gets the entries, and may end it with -1: then the
 * result is LDAP_RESULT_SUCCESS, and no other request may follow. Entries that are elsewhere are
 * counted in *references. */
struct ldap_entry_each {
    int (*run)(void *arg, const struct ldap_response *entry);
    void *arg;
    uint64_t references;
    bool ended; /* by run() */
};
int ldap_client_search(struct ldap_client *client, const struct ldap_wanted *wanted,
                       struct ldap_entry_each *each);

#endif
