/*
 * accountd/contacts.h - CONTACTS: directoryd's copy of the public contacts, groups and units.
 *
 * Each change of a row of theirs has a number; the last ones are kept, so that directoryd is
 * told what it missed. Who knows less than that gets everything again.
 */
#ifndef POSTHORN_ACCOUNTD_CONTACTS_H
#define POSTHORN_ACCOUNTD_CONTACTS_H

#include "accountd/server.h"

struct contacts;

/* Observes the server's account base until contacts_free. */
struct contacts *contacts_new(struct server *server);
void contacts_free(struct contacts **contactsp);
/* Within a transaction that puts a whole base in place of another: everything is read again. */
void contacts_replaced(struct contacts *contacts);

enum outcome contacts_request(struct request *request);

/* Number of the last change. */
uint64_t contacts_last(const struct contacts *contacts);
/* Has the contact, by its name as typed, changed since the number? What is not known any more
 * counts as a change. */
bool contacts_changed_since(const struct contacts *contacts, struct slice name, uint64_t number);

#endif
