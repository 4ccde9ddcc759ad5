/*
 * lib/account/edit_defaults.c - what a domain gives its new mailboxes, and how existing ones get it
 * (DIR-13, DIR-45).
 *
 * Names of properties come from administrators. Changes only the database.
 */
#include <string.h>

#include "lib/account/edit_internal.h"

static const struct {
    enum account_property user, domain;
} defaults[] = {
    {USER_NETDISK, DOMAIN_NETDISK},
    {USER_NETDISK_BYTES, DOMAIN_NETDISK_BYTES},
    {USER_NETDISK_FILES, DOMAIN_NETDISK_FILES},
    {USER_QUOTA_BYTES, DOMAIN_QUOTA_BYTES},
    {USER_QUOTA_MESSAGES, DOMAIN_QUOTA_MESSAGES},
    {USER_SMTP_ACCESS, DOMAIN_SMTP_ACCESS},
    {USER_POP3_ACCESS, DOMAIN_POP3_ACCESS},
    {USER_IMAP_ACCESS, DOMAIN_IMAP_ACCESS},
    {USER_LDAP_ACCESS, DOMAIN_LDAP_ACCESS},
    {USER_WARNING_LIMIT, DOMAIN_WARNING_LIMIT},
    {USER_EXPIRES, DOMAIN_EXPIRES},
    {USER_AUTH, DOMAIN_AUTH},
    {USER_MAILBOX_PATH, DOMAIN_MAILBOX_PATH},
    {USER_SEND_DOMAIN, DOMAIN_SEND_DOMAIN},
    {USER_SEND_SYSTEM, DOMAIN_SEND_SYSTEM},
    {USER_SEND_REMOTE, DOMAIN_SEND_REMOTE},
    {USER_SEND_EXCEPTIONS, DOMAIN_SEND_EXCEPTIONS},
    {USER_RECEIVE_DOMAIN, DOMAIN_RECEIVE_DOMAIN},
    {USER_RECEIVE_SYSTEM, DOMAIN_RECEIVE_SYSTEM},
    {USER_RECEIVE_REMOTE, DOMAIN_RECEIVE_REMOTE},
    {USER_RECEIVE_EXCEPTIONS, DOMAIN_RECEIVE_EXCEPTIONS},
    {USER_MESSAGE_RCPTS, DOMAIN_MESSAGE_RCPTS},
    {USER_MESSAGE_BYTES, DOMAIN_MESSAGE_BYTES},
    {USER_HOUR_RCPTS, DOMAIN_HOUR_RCPTS},
    {USER_DAY_LOCAL_RCPTS, DOMAIN_DAY_LOCAL_RCPTS},
    {USER_DAY_LOCAL_BYTES, DOMAIN_DAY_LOCAL_BYTES},
    {USER_DAY_REMOTE_RCPTS, DOMAIN_DAY_REMOTE_RCPTS},
    {USER_DAY_REMOTE_BYTES, DOMAIN_DAY_REMOTE_BYTES},
    {USER_SMTP, DOMAIN_SMTP},
    {USER_POP3, DOMAIN_POP3},
    {USER_IMAP, DOMAIN_IMAP},
    {USER_WEB, DOMAIN_WEB},
    {USER_FTP, DOMAIN_FTP},
    {USER_PUSH, DOMAIN_PUSH},
    {USER_REMOVE_MAIL, DOMAIN_REMOVE_MAIL},
    {USER_CHANGE_MAIL, DOMAIN_CHANGE_MAIL},
    {USER_FORWARD_RIGHT, DOMAIN_FORWARD_RIGHT},
    {USER_REPLY_RIGHT, DOMAIN_REPLY_RIGHT},
    {USER_PROFILE_RIGHT, DOMAIN_PROFILE_RIGHT},
    {USER_FETCH_RIGHT, DOMAIN_FETCH_RIGHT},
    {USER_CONTACTS, DOMAIN_CONTACTS},
    {USER_ARCHIVE_QUERY, DOMAIN_ARCHIVE_QUERY},
    {USER_CALENDAR, DOMAIN_CALENDAR},
    {USER_NOTES, DOMAIN_NOTES},
    {USER_NOTIFY, DOMAIN_NOTIFY},
    {USER_SHORT_MESSAGES, DOMAIN_SHORT_MESSAGES},
};

void
edit_defaults_take(struct record *user, const struct record *domain)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        record_set(user, defaults[i].user, record_get(domain, defaults[i].domain));
}

struct slice
edit_default_of(const struct record *domain, enum account_property user)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults) && domain != NULL; i++)
        if (defaults[i].user == user)
            return record_get(domain, defaults[i].domain);
    return slice_of(account_properties[user].dflt);
}

/* Where the mail is and who knows the password: that is not switched by a word for all. */
static bool
is_in_all(enum account_property user)
{
    return user != USER_MAILBOX_PATH && user != USER_AUTH;
}

static int
add_field(struct account_edit *edit, const struct record *domain, struct slice name,
          struct object_field fields[RECORD_PROPERTIES_MAX], uint32_t *count)
{
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        const struct property *p = &account_properties[defaults[i].user];

        if (!slice_eq(name, slice_of(p->name)))
            continue;
        if (defaults[i].user == USER_MAILBOX_PATH)
            return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                                "%s is where new mailboxes are made; one that is there moves when "
                                "its own is set",
                                p->name);
        if (*count == RECORD_PROPERTIES_MAX)
            return account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "these are too many names");
        fields[(*count)++] =
            (struct object_field){slice_of(p->name), record_get(domain, defaults[i].domain)};
        return 0;
    }
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "a domain has no default of '%.*s' for users", (int)name.len, name.ptr);
}

static int
add_fields(struct account_edit *edit, const struct record *domain, struct slice names,
           struct object_field fields[RECORD_PROPERTIES_MAX], uint32_t *count)
{
    struct slice rest = names, name;

    if (slice_eq(names, SLICE("all"))) {
        for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
            if (is_in_all(defaults[i].user) &&
                add_field(edit, domain, slice_of(account_properties[defaults[i].user].name), fields,
                          count) < 0)
                return -1;
        return 0;
    }
    while ((name = property_next_word(&rest)).len > 0)
        if (add_field(edit, domain, name, fields, count) < 0)
            return -1;
    if (*count > 0)
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "expected names of properties, or 'all'");
}

int
account_take_defaults(struct account_edit *edit, struct slice name, struct slice properties)
{
    struct object_field fields[RECORD_PROPERTIES_MAX];
    struct account_hit hit = account_hit_new();
    uint32_t count = 0;
    int rc = edit_find_entry(edit, name, ACCOUNT_USER, 2, &hit);

    if (rc == 0)
        rc = add_fields(edit, &hit.domain, properties, fields, &count);
    if (rc == 0)
        rc = account_set(edit, ACCOUNT_USER, strbuf_slice(&hit.address), fields, count);
    account_hit_free(&hit);
    return rc;
}
