/*
 * lib/account/dictionary.c - the passwords that nobody may set. Words come from administrators.
 * Changes only the database.
 */
#include "lib/account/dictionary.h"

#include <errno.h>
#include <stdio.h>

#include "lib/account/edit_internal.h"
#include "lib/auth/password.h"
#include "lib/auth/policy.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define COUNT_KEY SLICE("words")
#define FOLDED_MAX ((size_t)4 * PASSWORD_MAX)

int
dictionary_has(struct account_base *base, struct slice password)
{
    struct strbuf folded = strbuf_new(FOLDED_MAX);
    struct slice value;
    int rc = 0;

    (void)strbuf_room(&folded, FOLDED_MAX); /* grows no more: no copy of the password stays */
    if (policy_fold(password, &folded) == 0 && folded.len > 0) {
        rc = account_db_get(base->db, ACCOUNT_TABLE_WORDS, strbuf_slice(&folded), &value) == 0;
        if (rc == 0 && errno != ENOENT)
            rc = -1;
    }
    mem_wipe(folded.ptr, folded.cap);
    strbuf_free(&folded);
    return rc;
}

/* ---- how many there are ---- */

static int
count_by(struct account_edit *edit, bool up)
{
    struct strbuf text = strbuf_new(32);
    struct slice value;
    uint64_t count = 0;
    int rc = 0;

    if (account_db_get(edit->base->db, ACCOUNT_TABLE_META, COUNT_KEY, &value) == 0)
        (void)parse_u64(value, UINT64_MAX, &count);
    else if (errno != ENOENT)
        rc = account_fail_db(edit->result);
    if (rc == 0 && up && count >= DICTIONARY_WORDS_MAX)
        rc = account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                          "the dictionary is full: it takes %d words", DICTIONARY_WORDS_MAX);
    count = up ? count + 1 : count - (count > 0);
    (void)strbuf_u64(&text, count);
    if (rc == 0 &&
        account_db_put(edit->base->db, ACCOUNT_TABLE_META, COUNT_KEY, strbuf_slice(&text)) < 0)
        rc = account_fail_db(edit->result);
    strbuf_free(&text);
    return rc;
}

/* ---- changing ---- */

static bool
has_white_space(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if ((unsigned char)word.ptr[i] <= ' ' || word.ptr[i] == 0x7f)
            return true;
    return false;
}

static int
fold_word(struct account_edit *edit, struct slice word, struct strbuf *key)
{
    if (word.len > 0 && word.len <= DICTIONARY_WORD_MAX && !has_white_space(word) &&
        policy_fold(word, key) == 0 && key->len <= DICTIONARY_WORD_MAX)
        return 0;
    return account_fail(edit->result, ACCOUNT_BAD_PARAMETER,
                        "expected a word of at most %d bytes without white space",
                        DICTIONARY_WORD_MAX);
}

int
dictionary_add(struct account_edit *edit, struct slice word, const struct object_field *fields,
               uint32_t count)
{
    struct record record = record_new(ACCOUNT_WORD);
    struct strbuf key = strbuf_new(FOLDED_MAX);
    struct slice value;
    int rc = fold_word(edit, word, &key);

    if (rc == 0 &&
        account_db_get(edit->base->db, ACCOUNT_TABLE_WORDS, strbuf_slice(&key), &value) == 0)
        rc = account_fail(edit->result, DICTIONARY_EXISTS, "%.*s is in the dictionary already",
                          (int)word.len, word.ptr);
    else if (rc == 0 && errno != ENOENT)
        rc = account_fail_db(edit->result);
    if (rc == 0 && !edit->restoring)
        edit_put_time(edit, &record, WORD_ADDED);
    if (rc == 0)
        rc = edit_apply(edit, &record, fields, count);
    if (rc == 0)
        rc = count_by(edit, true);
    if (rc == 0)
        rc = edit_put_record(edit, ACCOUNT_TABLE_WORDS, strbuf_slice(&key), &record);
    record_free(&record);
    strbuf_free(&key);
    return rc;
}

int
dictionary_del(struct account_edit *edit, struct slice word)
{
    struct strbuf key = strbuf_new(FOLDED_MAX);
    int rc = fold_word(edit, word, &key);

    if (rc == 0 && account_db_del(edit->base->db, ACCOUNT_TABLE_WORDS, strbuf_slice(&key)) < 0)
        rc = errno != ENOENT
                 ? account_fail_db(edit->result)
                 : account_fail(edit->result, DICTIONARY_NO_SUCH, "%.*s is not in the dictionary",
                                (int)word.len, word.ptr);
    if (rc == 0)
        rc = count_by(edit, false);
    strbuf_free(&key);
    return rc;
}

int
dictionary_cleared(struct account_edit *edit)
{
    return edit_del_row(edit, ACCOUNT_TABLE_META, COUNT_KEY);
}

static int
import_line(struct account_edit *edit, struct slice line, uint64_t number, uint64_t *added)
{
    char text[ACCOUNT_KEY_MAX];
    int rc;

    if (slice_starts(line, SLICE("#")) || line.len == 0)
        return 0;
    rc = dictionary_add(edit, line, NULL, 0);
    if (rc == 0)
        *added += 1;
    if (rc == 0 || edit->result->code == DICTIONARY_EXISTS) {
        edit->result->code = ACCOUNT_DONE;
        return 0;
    }
    (void)snprintf(text, sizeof(text), "%s", strbuf_cstr(&edit->result->text));
    return account_fail(edit->result, edit->result->code, "line %llu: %s",
                        (unsigned long long)number, text);
}

int
dictionary_import(struct account_edit *edit, struct slice text, uint64_t first_line,
                  uint64_t *added)
{
    uint64_t number = first_line;

    for (; text.len > 0; number++) {
        struct slice line = slice_split(&text, '\n');

        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (import_line(edit, line, number, added) < 0)
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

int
dictionary_each_since(struct account_base *base, struct slice after, struct slice since,
                      size_t rows_max, int (*each)(void *arg, struct slice word), void *arg,
                      struct strbuf *last)
{
    struct account_rows *rows = account_db_rows(base->db, ACCOUNT_TABLE_WORDS, SLICE(""), after);
    struct record record = record_new(ACCOUNT_WORD);
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    for (size_t seen = 0; rc == 1 && seen < rows_max; seen++) {
        rc = account_rows_next(rows, &key, &value);
        if (rc != 1 || (after.len > 0 && slice_eq(key, after)))
            continue;
        if (record_load(&record, value) < 0)
            rc = -1;
        else if (slice_cmp(record_get(&record, WORD_ADDED), since) < 9 && each(arg, key) < 0)
            break;
        strbuf_clear(last);
        (void)strbuf_append(last, key);
    }
    account_rows_close(&rows);
    record_free(&record);
    return rc;
}
