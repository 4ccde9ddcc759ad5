/*
 * lib/account/edit_internal.h - what the files edit_*.c share; for nobody else.
 */
#ifndef POSTHORN_LIB_ACCOUNT_EDIT_INTERNAL_H
#define POSTHORN_LIB_ACCOUNT_EDIT_INTERNAL_H

#include "lib/account/edit.h"

enum edit_ref {
    EDIT_REF_ALIAS = 'a',
    EDIT_REF_MEMBER = 'm',
    EDIT_REF_PUBLIC = 'p',
    EDIT_REF_SHARE = 's',
    EDIT_REF_UNIT = 'u', /* the source belongs to the organisation unit */
    EDIT_REF_LIST = 'l'  /* a list of the source (edit_list.c) names the target */
};

/* Checks and stores the given properties; GIVEN ones only when restoring. */
int edit_apply(struct account_edit *edit, struct record *record, const struct object_field *fields,
               uint32_t count);
/* The same, empty values of users being the defaults of `domain` (NULL: those of the schema). */
int edit_apply_in(struct account_edit *edit, struct record *record, const struct record *domain,
                  const struct object_field *fields, uint32_t count);
int edit_put_record(struct account_edit *edit, enum account_table table, struct slice key,
                    const struct record *record);
void edit_put_time(struct account_edit *edit, struct record *record, enum account_property id);
/* Deletes a row that may be gone already. */
int edit_del_row(struct account_edit *edit, enum account_table table, struct slice key);

/* The row that says that `source` (an alias's or a group's entry key) leads to `target`. */
int edit_ref_put(struct account_edit *edit, struct slice target, enum edit_ref ref,
                 struct slice source);
int edit_ref_del(struct account_edit *edit, struct slice target, enum edit_ref ref,
                 struct slice source);

/* An entry that has to be there: `code` and "no such KIND" if it is not or is of another kind. */
int edit_find_entry(struct account_edit *edit, struct slice name, enum account_kind kind,
                    uint32_t code, struct account_hit *hit);
/* A name for a new entry: hit->address and hit->key are filled in. */
int edit_new_entry(struct account_edit *edit, struct slice name, enum account_kind kind,
                   struct account_hit *hit);

/* An entry that is about to lose its name must not be the one that mail for postmaster goes to. */
int edit_not_postmaster(struct account_edit *edit, struct slice address, uint32_t code);

bool edit_has_word(struct slice list, struct slice word);
/* Takes a word out of a list of the record. False: it was not there. */
bool edit_remove_word(struct record *record, enum account_property id, struct slice word);

/* All rows of a table below `prefix`, copied: they may be changed while one walks over them. */
struct edit_row {
    char *key, *value;
    size_t key_len, value_len;
};
struct edit_rows {
    struct edit_row *rows;
    size_t count;
};
int edit_collect(struct account_edit *edit, enum account_table table, struct slice prefix,
                 struct edit_rows *out);
void edit_rows_free(struct edit_rows *rows);
static inline struct slice
edit_key(const struct edit_row *row)
{
    return slice_make(row->key, row->key_len);
}
static inline struct slice
edit_value(const struct edit_row *row)
{
    return slice_make(row->value, row->value_len);
}

int edit_domain_add(struct account_edit *edit, enum account_kind kind, struct slice name,
                    const struct object_field *fields, uint32_t count);
int edit_domain_set(struct account_edit *edit, enum account_kind kind, struct slice name,
                    const struct object_field *fields, uint32_t count);
int edit_domain_del(struct account_edit *edit, enum account_kind kind, struct slice name);
/* What a new mailbox takes over from its domain. */
void edit_defaults_take(struct record *user, const struct record *domain);
/* One of them, or what the schema has; borrowed from both. */
struct slice edit_default_of(const struct record *domain, enum account_property user);
int edit_entry_add(struct account_edit *edit, enum account_kind kind, struct slice name,
                   const struct object_field *fields, uint32_t count);
int edit_entry_set(struct account_edit *edit, enum account_kind kind, struct slice name,
                   const struct object_field *fields, uint32_t count);
int edit_entry_del(struct account_edit *edit, enum account_kind kind, struct slice name);
/* A new public folder's own name, from its address as given; nobody else may have it. */
int edit_public_name(struct account_edit *edit, struct slice given, struct slice key,
                     struct record *folder);
/* Its lists: mailboxes of ours and @domain of ours, in canonical form. */
int edit_public_check(struct account_edit *edit, struct record *folder);
/* A mailbox, or "@domain", that is no more: it goes from every list. */
int edit_public_forget(struct account_edit *edit, struct slice word);
/* Appends who is meant by a word of such a list: "@domain", or the mailbox behind a name. */
int edit_member_word(struct account_edit *edit, struct slice given, struct strbuf *word);
/* A mailbox or "@domain" is no more: nothing is shared with it. */
/* The lists of who may send to a group, or for a group or mailbox: canonical, nobody twice. */
int edit_list_check(struct account_edit *edit, struct record *record);
/* The references that go with them: made, or removed. */
int edit_list_refs(struct account_edit *edit, const struct record *record, struct slice key,
                   bool make);
/* `word` (a mailbox or @domain) is no more: out of every list. */
int edit_list_forget(struct account_edit *edit, struct slice word);
int edit_share_forget(struct account_edit *edit, struct slice grantee);
/* A mailbox is no more: nothing of it is shared. */
int edit_share_owner_gone(struct account_edit *edit, struct slice owner_key);
/* The user's password is another one than `old` (empty: there was none). `due_given`: whoever set
 * it has said whether it has to be changed. */
void edit_password_follows(struct account_edit *edit, const struct record *domain,
                           struct record *user, struct slice old, bool due_given);
/* A mailbox is no more, and nor are its codes. */
int edit_codes_owner_gone(struct account_edit *edit, struct slice owner_key);
int edit_admin_add(struct account_edit *edit, struct slice name, const struct object_field *fields,
                   uint32_t count);
int edit_admin_set(struct account_edit *edit, struct slice name, const struct object_field *fields,
                   uint32_t count);
int edit_admin_del(struct account_edit *edit, struct slice name);
/* A mailbox is no more: who gets its name next is no administrator by it. */
int edit_admin_mailbox_gone(struct account_edit *edit, struct slice mailbox);
int edit_contact_add(struct account_edit *edit, struct slice name,
                     const struct object_field *fields, uint32_t count);
int edit_contact_set(struct account_edit *edit, struct slice name,
                     const struct object_field *fields, uint32_t count);
int edit_contact_del(struct account_edit *edit, struct slice name);
/* What a profile was before a change: published, and which of its properties said something. */
struct edit_contact_before {
    bool published;
    uint32_t filled;
};
struct edit_contact_before edit_contact_before(const struct record *domain,
                                               const struct record *user);
/* The contact of a mailbox follows its profile. What the profile neither says nor said may have
 * been added to the contact by hand: it stays. */
int edit_contact_follow(struct account_edit *edit, const struct record *domain, struct slice key,
                        const struct record *user, struct edit_contact_before before);
/* A mailbox is no more (its contact goes with it), or the contacts of a whole domain. */
int edit_contact_user_gone(struct account_edit *edit, struct slice key);
int edit_contact_domain_gone(struct account_edit *edit, struct slice domain);
/* What the domain publishes is something else now. */
int edit_contact_domain_set(struct account_edit *edit, struct slice domain);
int edit_unit_add(struct account_edit *edit, struct slice name, const struct object_field *fields,
                  uint32_t count);
int edit_unit_set(struct account_edit *edit, struct slice name, const struct object_field *fields,
                  uint32_t count);
int edit_unit_del(struct account_edit *edit, struct slice name);
/* The unit that a mailbox (its entry's key) belongs to: it has to be there. */
int edit_unit_check_user(struct account_edit *edit, struct slice key, struct record *user);
/* The reference that goes with it: made, or removed. */
int edit_unit_refs(struct account_edit *edit, struct slice key, const struct record *user,
                   bool make);
int edit_unit_domain_gone(struct account_edit *edit, struct slice domain);
int edit_unit_domain_renamed(struct account_edit *edit, struct slice old_name,
                             struct slice new_name);
/* Restored ones came in any order: is each below one that is there, and none below itself? */
int edit_unit_check_all(struct account_edit *edit);
/* The mailbox at `address` is a member of the groups that "groups" among the fields names, and of
 * no other; without that field nothing changes. */
int edit_groups_follow(struct account_edit *edit, struct slice address,
                       const struct object_field *fields, uint32_t count);
/* The group everyone of the domain is there. */
int edit_everyone_make(struct account_edit *edit, struct slice domain);
/* A new mailbox goes into it. */
int edit_everyone_join(struct account_edit *edit, struct slice address);
int edit_admin_rename(struct account_edit *edit, struct slice name, struct slice new_name);

#endif
