/*
 * accountd/contacts.h - CONTACTS and CONTACT_EDIT: directoryd's copy of the public contacts.
 *
 * Each change of a contact or a domain has a number; the last ones are kept, so that directoryd is
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
enum outcome contacts_edit_request(struct request *request);

#endif
