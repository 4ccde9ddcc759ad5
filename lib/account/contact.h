/*
 * lib/account/contact.h - public contacts: a book for each domain, and one of people outside
 * (LDP-05 to 07, DIR-07).
 *
 * A contact is name@book, where a book is a domain of ours or CONTACT_OUTSIDE; its name stays. Some
 * are the published profiles of mailboxes: they follow the profile, and go with the mailbox. One
 * that was removed comes back with a repair, or when the mailbox begins to be published again.
 */
#ifndef POSTHORN_LIB_ACCOUNT_CONTACT_H
#define POSTHORN_LIB_ACCOUNT_CONTACT_H

#include "lib/account/account.h"
#include "lib/account/edit.h"

#define CONTACT_OUTSIDE "outside" /* no domain can be called that */

/* The canonical name of a book, appended to `name`. FOREIGN: there is no such book. */
enum account_found contact_book(struct account_base *base, struct slice book, struct strbuf *name);
/* The key of a contact that may be there or not, from its name as typed. UNKNOWN: nothing can be
 * called that. */
enum account_found contact_key(struct account_base *base, struct slice name, struct strbuf *key);

/* Does the domain's switch, and in its turn the user's, say that the profile is public? */
bool contact_is_published(const struct record *domain, const struct record *user);

/* The published profiles of `book` ("": all) as they have to be: missing ones come, those that
 * should not be there go, what cannot be read goes. 0 with the three numbers in the result's text.
 */
int contact_repair(struct account_edit *edit, struct slice book);
/* All contacts of `book` ("": all) go. */
int contact_clear(struct account_edit *edit, struct slice book);

#endif
