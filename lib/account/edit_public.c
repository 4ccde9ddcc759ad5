/*
 * lib/account/edit_public.c - public folders: their names and their three lists.
 *
 * Names and lists come from administrators. Changes only the database.
 */
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/account/public.h"

enum { CODE_EXISTS = 2, CODE_FAILED = 3 };

static const struct {
    const char *name;
    enum account_property id;
} lists[] = {{"read", PUBLIC_READ}, {"write", PUBLIC_WRITE}, {"delete", PUBLIC_DELETE}};

/* ---- names ---- */

struct search {
    struct slice folder;
    uint32_t count;
    bool taken;
};

static int
compare_name(void *arg, struct slice address, const struct record *folder)
{
    struct search *search = arg;

    (void)address;
    search->count++;
    search->taken |= slice_eq_nocase(record_get(folder, PUBLIC_FOLDER), search->folder);
    return search->taken ? -1 : 0;
}

/* A folder's name in IMAP: no level, no wildcard, and in front of it comes one '@'. */
static bool
name_usable(struct slice folder)
{
    static const char never[] = "/%*@";

    for (size_t i = 0; i < sizeof(never) - 1; i++)
        if (slice_index(folder, never[i]) < folder.len)
            return false;
    return folder.len > 0 && folder.len <= CANONICAL_LOCAL_MAX;
}

int
edit_public_name(struct account_edit *edit, struct slice given, struct slice key,
                 struct record *folder)
{
    struct search search = {.folder = slice_sub(given, 0, slice_rindex(given, '@'))};

    if (edit->restoring && record_get(folder, PUBLIC_FOLDER).len > 0)
        search.folder = record_get(folder, PUBLIC_FOLDER);
    if (!name_usable(search.folder))
        return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                            "'%.*s' is no name that a public folder can have: expected "
                            "name@domain, the name without / %% * and @",
                            (int)given.len, given.ptr);
    if (public_each(edit->base, compare_name, &search) < 0)
        return account_fail_db(edit->result);
    if (search.taken)
        return account_fail(edit->result, CODE_EXISTS,
                            "there is a public folder '%.*s' already, of this or another domain",
                            (int)search.folder.len, search.folder.ptr);
    if (search.count >= PUBLIC_FOLDERS_MAX)
        return account_fail(edit->result, CODE_FAILED, "there are %d public folders already",
                            PUBLIC_FOLDERS_MAX);
    record_set(folder, PUBLIC_FOLDER, search.folder);
    return edit_ref_put(edit, PUBLIC_REF_TARGET, EDIT_REF_PUBLIC, key);
}

/* ---- lists ---- */

static int
unknown_member(struct account_edit *edit, struct slice given)
{
    return account_fail(edit->result, CODE_FAILED, "'%.*s' is no mailbox and no @domain of ours",
                        (int)given.len, given.ptr);
}

/* "@domain" in its canonical form. */
static int
domain_word(struct account_edit *edit, struct slice given, struct strbuf *word)
{
    struct record domain = record_new(ACCOUNT_DOMAIN);
    enum account_found found;

    (void)strbuf_char(word, '@');
    found = account_find_domain(edit->base, slice_sub(given, 1, given.len), &domain, word);
    record_free(&domain);
    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    return found == ACCOUNT_FOUND ? 0 : unknown_member(edit, given);
}

int
edit_member_word(struct account_edit *edit, struct slice given, struct strbuf *word)
{
    struct account_hit hit;
    enum account_found found;

    if (given.len > 0 && given.ptr[0] == '@')
        return domain_word(edit, given, word);
    hit = account_hit_new();
    found = account_find_login(edit->base, given, &hit);
    if (found == ACCOUNT_FOUND)
        (void)strbuf_append(word, strbuf_slice(&hit.address));
    account_hit_free(&hit);
    if (found == ACCOUNT_TROUBLE)
        return account_fail_db(edit->result);
    return found == ACCOUNT_FOUND ? 0 : unknown_member(edit, given);
}

bool
edit_has_word(struct slice list, struct slice word)
{
    struct slice next;

    while ((next = property_next_word(&list)).len > 0)
        if (slice_eq(next, word))
            return true;
    return false;
}

static void
add_word(struct strbuf *list, struct slice word)
{
    if (list->len > 0)
        (void)strbuf_char(list, ' '); /* overflow shows when the record is stored */
    (void)strbuf_append(list, word);
}

static int
check_list(struct account_edit *edit, struct record *folder, enum account_property id)
{
    struct strbuf all = strbuf_new(OBJECT_VALUE_MAX), word = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct slice rest = record_get(folder, id), given;
    int rc = 0;

    while (rc == 0 && (given = property_next_word(&rest)).len > 0) {
        strbuf_clear(&word);
        rc = edit_member_word(edit, given, &word);
        if (rc == 0 && !edit_has_word(strbuf_slice(&all), strbuf_slice(&word)))
            add_word(&all, strbuf_slice(&word));
    }
    if (rc == 0)
        record_set(folder, id, strbuf_slice(&all));
    strbuf_free(&all);
    strbuf_free(&word);
    return rc;
}

int
edit_public_check(struct account_edit *edit, struct record *folder)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (check_list(edit, folder, lists[i].id) < 0)
            return -1;
    return 0;
}

bool
edit_remove_word(struct record *record, enum account_property id, struct slice word)
{
    struct strbuf left = strbuf_new(OBJECT_VALUE_MAX);
    struct slice rest = record_get(record, id), next;
    bool found = edit_has_word(rest, word);

    while (found && (next = property_next_word(&rest)).len > 0)
        if (!slice_eq(next, word))
            add_word(&left, next);
    if (found)
        record_set(record, id, strbuf_slice(&left));
    strbuf_free(&left);
    return found;
}

static bool
remove_from_all(struct record *folder, struct slice word)
{
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        found |= edit_remove_word(folder, lists[i].id, word);
    return found;
}

int
edit_public_forget(struct account_edit *edit, struct slice word)
{
    static const char prefix[] = {'@', '\0', PUBLIC_REF};
    struct record folder = record_new(ACCOUNT_PUBLIC);
    struct edit_rows rows;
    struct slice value;
    int rc = edit_collect(edit, ACCOUNT_TABLE_REFS, slice_make(prefix, sizeof(prefix)), &rows);

    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        struct slice key = slice_sub(edit_key(&rows.rows[i]), sizeof(prefix), ACCOUNT_KEY_MAX);

        if (account_db_get(edit->base->db, ACCOUNT_TABLE_ENTRIES, key, &value) < 0 ||
            record_load(&folder, value) < 0)
            rc = account_fail_db(edit->result);
        else if (remove_from_all(&folder, word))
            rc = edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, key, &folder);
    }
    edit_rows_free(&rows);
    record_free(&folder);
    return rc;
}

/* ---- grant and revoke ---- */

static int
put_into(struct account_edit *edit, struct record *folder, struct slice list, struct slice word)
{
    struct strbuf all;
    size_t i = 0;
    int rc;

    while (i < ARRAY_LEN(lists) && !slice_eq(list, slice_of(lists[i].name)))
        i++;
    if (i < ARRAY_LEN(lists)) {
        all = strbuf_new(OBJECT_VALUE_MAX);
        (void)strbuf_append(&all, record_get(folder, lists[i].id));
        add_word(&all, word);
        rc = edit_apply(edit, folder, &(struct object_field){list, strbuf_slice(&all)}, 1);
        strbuf_free(&all);
        return rc;
    }
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "there is no right '%.*s': expected read, write or delete", (int)list.len,
                        list.ptr);
}

int
account_public_grant(struct account_edit *edit, struct slice name, struct slice list,
                     struct slice member)
{
    struct account_hit hit = account_hit_new();
    struct strbuf word = strbuf_new(ACCOUNT_ADDRESS_MAX);
    bool had = false;
    int rc = edit_find_entry(edit, name, ACCOUNT_PUBLIC, CODE_EXISTS, &hit);

    if (rc == 0)
        rc = edit_member_word(edit, member, &word);
    if (rc == 0)
        had = remove_from_all(&hit.entry, strbuf_slice(&word));
    if (rc == 0 && list.len > 0)
        rc = put_into(edit, &hit.entry, list, strbuf_slice(&word));
    else if (rc == 0 && !had)
        rc = account_fail(edit->result, CODE_FAILED, "%s is in no list of this folder",
                          strbuf_cstr(&word));
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_ENTRIES, strbuf_slice(&hit.key), &hit.entry);
    strbuf_free(&word);
    account_hit_free(&hit);
    return rc;
}
