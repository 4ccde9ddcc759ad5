/*
 * lib/mail/address_list.h - the addresses of a From, To, Cc, ... field (RFC 5322
 * sections 3.4, 4.4).
 *
 * For showing mail that is in a mailbox already: wrong syntax gives the address that RFC 7103
 * section 7.1 recommends, never an error. What we send or accept goes through address.h instead.
 */
#ifndef POSTHORN_LIB_MAIL_ADDRESS_LIST_H
#define POSTHORN_LIB_MAIL_ADDRESS_LIST_H

#include "lib/base/strbuf.h"

#define ADDRESS_LIST_TEXT_MAX                                                                      \
    65536 /* bytes of a name or an address; what is longer is left out                             \
           */

enum address_entry_kind { ADDRESS_MAILBOX, ADDRESS_GROUP_START, ADDRESS_GROUP_END };

struct address_entry {
    enum address_entry_kind kind;
    struct slice name;    /* display name (or the comment behind a bare address), group name */
    struct slice route;   /* "@a,@b" of an obsolete source route */
    struct slice local;   /* without quotes */
    struct slice domain;  /* empty: there is none */
    struct slice written; /* of a mailbox with a domain: local@domain as it stands in the field */
    struct slice whole;   /* of a mailbox: all of it, with name, brackets and comments behind it */
};

struct address_list {
    struct slice field, rest;
    size_t start, local_start, domain_end; /* offsets in the field, of the latest address */
    bool in_group, parens_broken, quotes_broken;
    struct strbuf name, comment, route, local, domain;
};

struct address_list address_list_begin(struct slice body);
/* False at the end. The slices are good until the next call. */
bool address_list_next(struct address_list *list, struct address_entry *entry);
void address_list_end(struct address_list *list);

#endif
