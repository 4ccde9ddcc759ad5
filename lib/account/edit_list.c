/*
 * lib/account/edit_list.c - lists of who may send: to a group (DIR-53), or with the address of a
 * group or mailbox (DIR-56, SMTP-17); and of who sees a group (DIR-54).
 *
 * Each word has a reference to where it stands, so that who is deleted leaves no right to a later
 * one of that name. Words come from administrators. Changes only the database.
 */
#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/base/mem.h"
#include "lib/mail/address.h"

static const struct {
    enum account_kind kind;
    enum account_property id;
    bool outside; /* addresses that are not ours may stand there */
} lists[] = {
    {ACCOUNT_USER, USER_REPRESENTATIVES, false}, {ACCOUNT_GROUP, GROUP_REPRESENTATIVES, false},
    {ACCOUNT_GROUP, GROUP_SENDERS, true},        {ACCOUNT_GROUP, GROUP_VIEWERS, false},
    {ACCOUNT_GROUP, GROUP_MANAGERS, false},
};

/* Domains for which a rule means its opposite: in the form that smtpd's recipients come in. */
static const enum account_property domain_lists[] = {USER_SEND_EXCEPTIONS, USER_RECEIVE_EXCEPTIONS};

static void
add_word(struct strbuf *list, struct slice word)
{
    if (edit_has_word(strbuf_slice(list), word))
        return;
    if (list->len > 0)
        (void)strbuf_char(list, ' '); /* overflow shows when the record is stored */
    (void)strbuf_append(list, word);
}

/* An address or @domain elsewhere: 0 with its canonical form, -1: it is ours, or neither. */
static int
outside_word(struct account_edit *edit, struct slice given, struct strbuf *word)
{
    size_t at = slice_rindex(given, '@');
    struct slice domain = slice_sub(given, at + 1, given.len);
    struct record record = record_new(ACCOUNT_DOMAIN);
    struct strbuf name = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct address address;
    bool usable = at == 0 || address_parse(given, ADDRESS_UTF8, &address) == ADDRESS_OK;
    int rc = -1;

    if (usable && account_find_domain(edit->base, domain, &record, &name) == ACCOUNT_FOREIGN &&
        strbuf_append(word, slice_sub(given, 0, at + 1)))
        rc = canonical_domain(domain, word);
    record_free(&record);
    strbuf_free(&name);
    return rc;
}

static int
check_list(struct account_edit *edit, struct record *record, enum account_property id, bool outside)
{
    struct strbuf all = strbuf_new(OBJECT_VALUE_MAX), word = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct slice rest = record_get(record, id), given;
    int rc = 0;

    while (rc == 0 && (given = property_next_word(&rest)).len > 0) {
        strbuf_clear(&word);
        if (!outside || outside_word(edit, given, &word) < 0) {
            strbuf_clear(&word);
            rc = edit_member_word(edit, given, &word);
        }
        add_word(&all, strbuf_slice(&word));
    }
    if (rc == 0)
        record_set(record, id, strbuf_slice(&all));
    strbuf_free(&all);
    strbuf_free(&word);
    return rc;
}

static int
check_domains(struct account_edit *edit, struct record *record, enum account_property id)
{
    struct strbuf all = strbuf_new(OBJECT_VALUE_MAX), word = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct slice rest = record_get(record, id), given;
    int rc = 0;

    while (rc == 0 && (given = property_next_word(&rest)).len > 0) {
        strbuf_clear(&word);
        if (canonical_domain(given, &word) < 0)
            rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "%s: '%.*s' is no domain",
                              account_properties[id].name, (int)given.len, given.ptr);
        add_word(&all, strbuf_slice(&word));
    }
    if (rc == 0)
        record_set(record, id, strbuf_slice(&all));
    strbuf_free(&all);
    strbuf_free(&word);
    return rc;
}

int
edit_list_check(struct account_edit *edit, struct record *record)
{
    int rc = 0;

    if (edit->restoring)
        return 0; /* whom it names may come later; it was checked when it was made */
    for (size_t i = 0; i < ARRAY_LEN(lists) && rc == 0; i++)
        if (lists[i].kind == record->kind)
            rc = check_list(edit, record, lists[i].id, lists[i].outside);
    for (size_t i = 0; i < ARRAY_LEN(domain_lists) && rc == 0; i++)
        if (record->kind == ACCOUNT_USER)
            rc = check_domains(edit, record, domain_lists[i]);
    return rc;
}

int
edit_list_refs(struct account_edit *edit, const struct record *record, struct slice key, bool make)
{
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct slice rest, word;

        if (lists[i].kind != record->kind)
            continue;
        rest = record_get(record, lists[i].id);
        while (rc == 0 && (word = property_next_word(&rest)).len > 0) {
            rc = make ? edit_ref_put(edit, word, EDIT_REF_LIST, key)
                      : edit_ref_del(edit, word, EDIT_REF_LIST, key);
        }
    }
    return rc;
}

/* Out of the lists of the entry with that key. */
static int
forget_in(struct account_edit *edit, struct slice key, struct slice word)
{
    struct record record = record_new(ACCOUNT_USER);
    struct slice value;
    bool changed = false;
    int rc = 0;

    if (account_db_get(edit->base->db, ACCOUNT_TABLE_ENTRIES, key, &value) < 0)
        rc = errno == ENOENT ? 0 : account_fail_db(edit->result); /* it is being deleted itself */
    else if (record_load(&record, value) < 0)
        rc = account_fail_db(edit->result);
    else
        for (size_t i = 0; i < ARRAY_LEN(lists); i++)
            changed |= lists[i].kind == record.kind && edit_remove_word(&record, lists[i].id, word);
    if (rc == 0 && changed)
        rc = edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, key, &record);
    record_free(&record);
    return rc < 0 ? rc : edit_ref_del(edit, word, EDIT_REF_LIST, key);
}

int
edit_list_forget(struct account_edit *edit, struct slice word)
{
    struct strbuf prefix = strbuf_new(ACCOUNT_KEY_MAX);
    struct edit_rows rows;
    int rc;

    (void)strbuf_append(&prefix, word);
    (void)strbuf_char(&prefix, '\0');
    (void)strbuf_char(&prefix, EDIT_REF_LIST);
    rc = edit_collect(edit, ACCOUNT_TABLE_REFS, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        struct slice row = edit_key(&rows.rows[i]);

        rc = forget_in(edit, slice_sub(row, prefix.len, row.len), word);
    }
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}
