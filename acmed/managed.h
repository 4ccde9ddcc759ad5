/*
 * acmed/managed.h - the certificates that [acme] names, each with the request that the command line
 * has made for it. Its key is root's and keyd's: no process of ours can read it.
 */
#ifndef POSTHORN_ACMED_MANAGED_H
#define POSTHORN_ACMED_MANAGED_H

#include "acmed/state.h"
#include "lib/conf/conf.h"
#include "lib/sys/daemon.h"

struct managed {
    const char *name; /* the setting's */
    bool is_used;     /* by services now: they have to load a new one */
    struct strbuf csr;
    char *hosts;        /* with a space between */
    char request[65];   /* SHA-256 of csr */
    const char *defect; /* why nothing can be requested, or NULL: a constant */
    struct state state;
};

struct managed_list {
    struct managed items[CONF_LIST_MAX];
    size_t count;
    int dirfd; /* db/acme */
};

/* Reads certs/NAME.csr, as root; and see where certs/NAME.crt leads. */
struct managed_list *managed_read(const struct daemon *d);
/* The rest, with no more rights than are needed: what the requests say, and the states. */
void managed_parse(struct managed_list *list, int dirfd);
void managed_free(struct managed_list **listp);
struct managed *managed_find(struct managed_list *list, struct slice name); /* or NULL */

#endif
