/*
 * lib/ipc/contacts.h - accountd's public contacts for directoryd: all of them, then each change.
 *
 * The first question knows nothing: the answers are pages of everything. From then on the number of
 * the first page goes with the question, which is answered when something is newer. Objects
 * (lib/ipc/object.h) have the fields kind and name first. The kinds:
 *
 * - contact, name@book: the properties that are set.
 * - domain, d.test: contacts_own_users_only.
 * - group, name@d.test: of those that somebody may see (DIR-54) full_name, description, addresses,
 *   created, shown (to all, those listed and members: n, g or m each), viewers, managers. The
 *   members that were told of it stay.
 * - members, a group: its property `members` has some that join those that it has, separated by
 *   one space. Each is u, g or o (a mailbox, a group, one elsewhere) and the address.
 * - member, a group: the same of one, which may be known already.
 * - member-gone, a group: the same of one that is in it no more, without the letter.
 * - unit, name@d.test: full_name, description, parent (the name alone).
 * - gone, name@book or @d.test.
 * - group-gone and unit-gone, name@d.test.
 *
 * Slices borrow from the payload.
 */
#ifndef POSTHORN_LIB_IPC_CONTACTS_H
#define POSTHORN_LIB_IPC_CONTACTS_H

#include "lib/ipc/accountd.h"

#define CONTACTS_PAGE_BYTES (512u << 10) /* a page ends with the object that passes this */
#define CONTACTS_PAYLOAD_MAX (1u << 20)
#define CONTACTS_CURSOR_MAX 1500
/* With a contact: yes says that its user is in no department, and that its company was put in for
 * one, to be shown. */
#define CONTACTS_COMPANYS_OWN "companys_own"

struct contacts_query {
    uint64_t known;      /* number of the last change that the asker knows; 0: none */
    struct slice cursor; /* of the last page of everything; "": the first one */
};
int contacts_query_encode(struct strbuf *out, const struct contacts_query *query);
int contacts_query_decode(struct slice payload, struct contacts_query *query);

struct contacts_reply {
    uint64_t number;     /* `known` of the next question */
    bool everything;     /* a page of it: on the first page the asker forgets what it has */
    struct slice cursor; /* not empty: there are more pages */
    struct slice data;
};
int contacts_reply_encode(struct strbuf *out, uint32_t id, const struct contacts_reply *reply);
int contacts_reply_decode(struct slice payload, struct contacts_reply *reply);

/* GROUPS_OF: the groups that a user is in, through others, too: separated by one space. */
int groups_of_encode(struct strbuf *out, struct slice user);
int groups_of_decode(struct slice payload, struct slice *user);
int groups_of_reply_encode(struct strbuf *out, uint32_t id, struct slice groups);
int groups_of_reply_decode(struct slice payload, struct slice *groups);

/* One change; the fields are properties of the kind `contact`. */
struct contact_edit {
    struct slice verb;      /* "add", "set", "del" */
    struct slice name;      /* name@book */
    uint64_t as_of;         /* a number: refused if the contact changed since; 0: never mind */
    struct slice who, from; /* for the audit log: who is behind it, and the client's address */
    const struct object_field *fields;
    uint32_t field_count;
};
int contact_edit_encode(struct strbuf *out, const struct contact_edit *edit);
int contact_edit_decode(struct slice payload, struct contact_edit *edit,
                        struct object_field fields[OBJECT_FIELDS_MAX]);
/* Results: of `contact add` and so on. */
enum {
    CONTACT_EDIT_DONE = 0,
    CONTACT_EDIT_BAD = 1,
    CONTACT_EDIT_EXISTS_OR_NOT = 2, /* add: it is there; set and del: it is not */
    CONTACT_EDIT_NO_BOOK = 7,
    CONTACT_EDIT_CHANGED = 99, /* since `as_of` */
    CONTACT_EDIT_FAILED = 100
};
struct contact_edit_reply {
    uint32_t result;
    uint64_t number;   /* DONE and CHANGED: when CONTACTS tells this one, the change is there */
    struct slice text; /* why not */
};
int contact_edit_reply_encode(struct strbuf *out, uint32_t id,
                              const struct contact_edit_reply *reply);
int contact_edit_reply_decode(struct slice payload, struct contact_edit_reply *reply);

#endif
