/*
 * lib/account/auth_code.c - authorization codes of users.
 *
 * Rows: ACCOUNT_TABLE_CODES "domain\0local\0id" -> record. Properties come from administrators and
 * import files and are checked here; the id and the code are made here.
 */
#include "lib/account/auth_code.h"

#include <errno.h>
#include <string.h>

#include "lib/account/edit_internal.h"
#include "lib/base/cidr.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"

enum { CODE_NO_SUCH = 2, CODE_FAILED = 3, SALT_BYTES = 16, ITERATIONS = 4096 };

/* ---- reading ---- */

static void
key_of(struct slice user_key, struct slice id, struct strbuf *key)
{
    *key = strbuf_new(ACCOUNT_KEY_MAX);
    (void)strbuf_append(key, user_key); /* one that is too long is refused by the database */
    (void)strbuf_char(key, '\0');
    (void)strbuf_append(key, id);
}

int
auth_codes_each(struct account_base *base, struct slice user_key,
                int (*each)(void *arg, const struct auth_code *code), void *arg)
{
    struct record record = record_new(ACCOUNT_AUTH_CODE);
    struct account_rows *rows;
    struct slice key, value;
    struct strbuf prefix;
    int rc = -1;

    key_of(user_key, SLICE(""), &prefix);
    rows = account_db_rows(base->db, ACCOUNT_TABLE_CODES, strbuf_slice(&prefix), SLICE(""));
    while (rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1) {
        struct auth_code code;

        rc = record_load(&record, value);
        if (rc < 0)
            break;
        code = (struct auth_code){.id = slice_sub(key, prefix.len, key.len),
                                  .services = record_get(&record, AUTH_CODE_SERVICES),
                                  .addresses = record_get(&record, AUTH_CODE_ADDRESSES),
                                  .expires = record_get(&record, AUTH_CODE_EXPIRES),
                                  .record = record_get(&record, AUTH_CODE_SECRET)};
        if (each(arg, &code) < 0)
            break;
    }
    account_rows_close(&rows);
    record_free(&record);
    strbuf_free(&prefix);
    return rc < 0 ? -1 : 0;
}

static int
count_one(void *arg, const struct auth_code *code)
{
    (void)code;
    ++*(unsigned *)arg;
    return 0;
}

bool
auth_codes_exist(struct account_base *base, struct slice user_key)
{
    struct strbuf prefix;
    struct account_rows *rows;
    struct slice key, value;
    bool exist;

    key_of(user_key, SLICE(""), &prefix);
    rows = account_db_rows(base->db, ACCOUNT_TABLE_CODES, strbuf_slice(&prefix), SLICE(""));
    exist = rows != NULL && account_rows_next(rows, &key, &value) == 1;
    account_rows_close(&rows);
    strbuf_free(&prefix);
    return exist;
}

bool
account_mail_password(const struct account_hit *hit)
{
    return record_bool(&hit->domain, DOMAIN_MAIL_PASSWORD) &&
           !record_bool(&hit->entry, USER_TWO_STEP);
}

/* ---- checks ---- */

static int
check_services(struct account_edit *edit, const struct record *record)
{
    static const char *const services[] = {"smtp", "imap", "pop3"};
    struct slice rest = record_get(record, AUTH_CODE_SERVICES), word;

    while ((word = property_next_word(&rest)).len > 0) {
        size_t i = 0;

        while (i < ARRAY_LEN(services) && !slice_eq(word, slice_of(services[i])))
            i++;
        if (i == ARRAY_LEN(services))
            return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                                "services: expected smtp, imap or pop3, not '%.*s'", (int)word.len,
                                word.ptr);
    }
    return 0;
}

static int
check_addresses(struct account_edit *edit, const struct record *record)
{
    struct slice rest = record_get(record, AUTH_CODE_ADDRESSES), word;
    struct cidr net;

    while ((word = property_next_word(&rest)).len > 0)
        if (cidr_parse(word, &net) < 0)
            return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                                "addresses: expected an IP address or network, not '%.*s'",
                                (int)word.len, word.ptr);
    return 0;
}

/* The user's entry, and the properties in a record that is new. */
static int
prepare(struct account_edit *edit, struct slice user, const struct object_field *fields,
        uint32_t count, struct account_hit *hit, struct record *record)
{
    unsigned present = 0;

    if (edit_find_entry(edit, user, ACCOUNT_USER, CODE_NO_SUCH, hit) < 0 ||
        edit_apply(edit, record, fields, count) < 0 || check_services(edit, record) < 0 ||
        check_addresses(edit, record) < 0)
        return -1;
    if (auth_codes_each(edit->base, strbuf_slice(&hit->key), count_one, &present) < 0)
        return account_fail_db(edit->result);
    if (present < AUTH_CODES_MAX)
        return 0;
    return account_fail(edit->result, CODE_FAILED, "there are %d codes already: revoke one first",
                        AUTH_CODES_MAX);
}

static int
put(struct account_edit *edit, struct slice user_key, struct slice id, const struct record *record)
{
    struct strbuf key;
    int rc;

    key_of(user_key, id, &key);
    rc = edit_put_record(edit, ACCOUNT_TABLE_CODES, strbuf_slice(&key), record);
    strbuf_free(&key);
    return rc;
}

/* ---- making ---- */

struct salt {
    enum digest digest;
    struct password_scram keys; /* iterations 0: not found yet */
};

static int
take_salt(void *arg, const struct auth_code *code)
{
    struct salt *salt = arg;

    return password_scram_find(code->record, salt->digest, &salt->keys) == 0 ? -1 : 0;
}

/* In SCRAM the server names a salt before it knows which secret the client has: all that are to
 * work at the same time have one salt. Where the password works too, that is the password's; else
 * that of the codes there are. */
static int
choose_salt(struct account_edit *edit, const struct account_hit *hit, struct salt *salt)
{
    struct slice password = record_get(&hit->entry, USER_PASSWORD);

    if (!account_mail_password(hit) &&
        auth_codes_each(edit->base, strbuf_slice(&hit->key), take_salt, salt) < 0)
        return account_fail_db(edit->result);
    if (salt->keys.iterations == 0 &&
        password_scram_find(password, salt->digest, &salt->keys) < 0) {
        salt->keys = (struct password_scram){.iterations = ITERATIONS, .salt_len = SALT_BYTES};
        random_bytes(salt->keys.salt, salt->keys.salt_len);
    }
    return 0;
}

/* Hashed here, in the loop: as many milliseconds as the disk needs for the change. */
static int
hash(struct account_edit *edit, const struct account_hit *hit, const char *text,
     struct strbuf *secret)
{
    struct salt sha256 = {.digest = DIGEST_SHA256}, sha1 = {.digest = DIGEST_SHA1};
    int rc = choose_salt(edit, hit, &sha256);

    if (rc == 0)
        rc = choose_salt(edit, hit, &sha1);
    if (rc == 0 && code_record(slice_of(text), &sha256.keys, &sha1.keys, secret) < 0)
        rc = account_fail(edit->result, CODE_FAILED, "the code cannot be kept");
    mem_wipe(&sha256, sizeof(sha256));
    mem_wipe(&sha1, sizeof(sha1));
    return rc;
}

int
account_code_add(struct account_edit *edit, struct slice user, const struct object_field *fields,
                 uint32_t count, struct auth_code_made *made)
{
    struct record record = record_new(ACCOUNT_AUTH_CODE);
    struct account_hit hit = account_hit_new();
    struct strbuf secret = strbuf_new(PASSWORD_RECORD_MAX);
    int rc = prepare(edit, user, fields, count, &hit, &record);

    code_random_letters(made->id, AUTH_CODE_ID_LEN); /* 30 bits among 16: another one every time */
    code_make(made->text);
    if (rc == 0)
        rc = hash(edit, &hit, made->text, &secret);
    if (rc == 0) {
        record_set(&record, AUTH_CODE_SECRET, strbuf_slice(&secret));
        edit_put_time(edit, &record, AUTH_CODE_CREATED);
        rc = put(edit, strbuf_slice(&hit.key), slice_of(made->id), &record);
    }
    strbuf_free(&secret);
    account_hit_free(&hit);
    record_free(&record);
    return rc;
}

int
account_code_restore(struct account_edit *edit, struct slice user, struct slice id,
                     const struct object_field *fields, uint32_t count)
{
    struct record record = record_new(ACCOUNT_AUTH_CODE);
    struct account_hit hit = account_hit_new();
    int rc = prepare(edit, user, fields, count, &hit, &record);

    if (rc == 0 && (id.len != AUTH_CODE_ID_LEN || !parse_is_ascii_print(id)))
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER, "'%.*s' is no id of a code",
                          (int)id.len, id.ptr);
    if (rc == 0)
        rc = put(edit, strbuf_slice(&hit.key), id, &record);
    account_hit_free(&hit);
    record_free(&record);
    return rc;
}

/* ---- what there is ---- */

/* The row of a code that has to be there. */
static int
find(struct account_edit *edit, struct slice user, struct slice id, struct strbuf *key,
     struct record *record)
{
    struct account_hit hit = account_hit_new();
    struct slice value;
    int rc = edit_find_entry(edit, user, ACCOUNT_USER, CODE_NO_SUCH, &hit);

    key_of(strbuf_slice(&hit.key), id, key);
    if (rc == 0 &&
        account_db_get(edit->base->db, ACCOUNT_TABLE_CODES, strbuf_slice(key), &value) < 0)
        rc = errno != ENOENT ? account_fail_db(edit->result)
                             : account_fail(edit->result, CODE_NO_SUCH, "%.*s has no code '%.*s'",
                                            (int)user.len, user.ptr, (int)id.len, id.ptr);
    else if (rc == 0 && record_load(record, value) < 0)
        rc = account_fail_db(edit->result);
    account_hit_free(&hit);
    return rc;
}

int
account_code_del(struct account_edit *edit, struct slice user, struct slice id)
{
    struct record record = record_new(ACCOUNT_AUTH_CODE);
    struct strbuf key;
    int rc = find(edit, user, id, &key, &record);

    if (rc == 0)
        rc = edit_del_row(edit, ACCOUNT_TABLE_CODES, strbuf_slice(&key));
    record_free(&record);
    strbuf_free(&key);
    return rc;
}

/* Minutes are enough: a program that logs in again and again costs no write each time. */
static bool
is_noted(const struct record *before, const struct record *now, struct slice address)
{
    const size_t minute = strlen("2026-11-23T10:00");

    return slice_eq(record_get(before, AUTH_CODE_USED_FROM), address) &&
           slice_eq(slice_sub(record_get(before, AUTH_CODE_USED), 0, minute),
                    slice_sub(record_get(now, AUTH_CODE_USED), 0, minute));
}

int
account_code_used(struct account_edit *edit, struct slice user, struct slice id,
                  struct slice address)
{
    struct record record = record_new(ACCOUNT_AUTH_CODE), now = record_new(ACCOUNT_AUTH_CODE);
    struct strbuf key;
    int rc = find(edit, user, id, &key, &record);

    edit_put_time(edit, &now, AUTH_CODE_USED);
    if (rc < 0) {
        rc = edit->result->code == CODE_NO_SUCH ? 0 : -1;
    } else if (!is_noted(&record, &now, address)) {
        record_set(&record, AUTH_CODE_USED, record_get(&now, AUTH_CODE_USED));
        record_set(&record, AUTH_CODE_USED_FROM, address);
        rc = edit_put_record(edit, ACCOUNT_TABLE_CODES, strbuf_slice(&key), &record) < 0 ? -1 : 1;
    }
    record_free(&record);
    record_free(&now);
    strbuf_free(&key);
    return rc;
}

int
edit_codes_owner_gone(struct account_edit *edit, struct slice owner_key)
{
    struct edit_rows rows;
    struct strbuf prefix;
    int rc;

    key_of(owner_key, SLICE(""), &prefix);
    rc = edit_collect(edit, ACCOUNT_TABLE_CODES, strbuf_slice(&prefix), &rows);
    for (size_t i = 0; i < rows.count && rc == 0; i++)
        rc = edit_del_row(edit, ACCOUNT_TABLE_CODES, edit_key(&rows.rows[i]));
    edit_rows_free(&rows);
    strbuf_free(&prefix);
    return rc;
}
