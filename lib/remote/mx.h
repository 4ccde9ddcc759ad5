/*
 * lib/remote/mx.h - the mail exchangers of one domain in the order to try them.
 */
#ifndef POSTHORN_LIB_REMOTE_MX_H
#define POSTHORN_LIB_REMOTE_MX_H

#include "lib/ipc/dnsd.h"
#include "lib/smtp/smtp_client.h"

#define MX_HOSTS_MAX 16

struct mx_host {
    uint16_t preference;
    char name[DNSD_NAME_MAX + 1];
};
struct mx_list {
    struct mx_host hosts[MX_HOSTS_MAX];
    size_t count;
};

/* What a search for servers came to. */
enum mx_status {
    MX_FOUND,
    MX_LATER, /* DNS gave no answer: try again */
    MX_NEVER  /* there is no server, and there will be none */
};

/* The answer to an MX question about `domain` as a list: at most MX_HOSTS_MAX hosts by preference,
 * shuffled within one preference (RFC 5321 section 5.1). A domain without MX is its own exchanger.
 * Hosts from `own_name` on, our own name, are left out. *why unless FOUND. */
enum mx_status mx_from_answer(const struct dnsd_answer *answer, struct slice domain,
                              struct slice own_name, struct mx_list *list,
                              struct smtp_verdict *why);

#endif
