/*
 * lib/auth/policy.c - what a new password has to be like. No I/O; the caller wipes.
 */
#include "lib/auth/policy.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>

#include "lib/auth/password.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define FOLDED_MAX ((size_t)4 * PASSWORD_MAX)

/* ---- what it looks like ---- */

/* Of UTF-8; other bytes count one each. */
static unsigned
count_characters(struct slice text)
{
    unsigned count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static unsigned
count_classes(struct slice text)
{
    bool small = false, capital = false, digit = false, other = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c >= 'a' && c <= 'z')
            small = true;
        else if (c >= 'A' && c <= 'Z')
            capital = true;
        else if (c >= '0' && c <= '9')
            digit = true;
        else
            other = true;
    }
    return (unsigned)small + capital + digit + other;
}

int
policy_fold(struct slice password, struct strbuf *out)
{
    size_t len = 0;
    uint8_t *folded;
    bool fits;

    if (!parse_is_utf8(password))
        return -1;
    folded =
        u8_casefold((const uint8_t *)password.ptr, password.len, NULL, UNINORM_NFC, NULL, &len);
    if (folded == NULL)
        return -1;
    fits = strbuf_append(out, slice_make((const char *)folded, len));
    mem_wipe(folded, len);
    free(folded);
    return fits ? 0 : -1;
}

/* Short names are parts of many words: they may only not be the whole of it. */
static bool
has_name(struct slice user, struct slice password)
{
    struct slice local = slice_sub(user, 0, slice_rindex(user, '@'));
    struct strbuf name = strbuf_new(FOLDED_MAX), text = strbuf_new(FOLDED_MAX);
    bool found = false;

    (void)strbuf_room(&text, FOLDED_MAX); /* grows no more: no copy of the password stays */
    if (local.len > 0 && policy_fold(local, &name) == 0 && policy_fold(password, &text) == 0)
        found =
            count_characters(local) < POLICY_NAME_MIN
                ? slice_eq(strbuf_slice(&name), strbuf_slice(&text))
                : text.len >= name.len && memmem(text.ptr, text.len, name.ptr, name.len) != NULL;
    mem_wipe(text.ptr, text.cap);
    strbuf_free(&name);
    strbuf_free(&text);
    return found;
}

static bool
is_usable(struct slice password)
{
    if (password.len == 0 || password.len > PASSWORD_MAX)
        return false;
    for (size_t i = 0; i < password.len; i++)
        if ((unsigned char)password.ptr[i] < 0x20 || password.ptr[i] == 0x7f)
            return false;
    return true;
}

int
policy_check(const struct policy *policy, struct slice user, struct slice password,
             struct strbuf *why)
{
    if (!is_usable(password))
        (void)strbuf_printf(why,
                            "the password is not usable: expected at most %d bytes without control "
                            "characters",
                            PASSWORD_MAX);
    else if (count_characters(password) < policy->min_length)
        (void)strbuf_printf(why, "the password is too short: expected %u characters or more",
                            policy->min_length);
    else if (count_classes(password) < policy->classes)
        (void)strbuf_printf(why,
                            "the password is too simple: expected %u of small letters, capital "
                            "letters, digits and other characters",
                            policy->classes);
    else if (policy->no_name && has_name(user, password))
        (void)strbuf_str(why, "the password has the user's name in it");
    else
        return 0;
    return -1;
}

/* ---- the old ones ---- */

bool
policy_old_next(struct slice *rest, struct slice *record)
{
    do
        *record = slice_split(rest, ' ');
    while (record->len == 0 && rest->len > 0);
    return record->len > 0;
}

/* The part of a record that decides about a password, as it stands there. Cleartext is no history:
 * it would outlive the password. */
static struct slice
deciding_part(struct slice record)
{
    struct record_part part;
    struct slice rest = record, whole;

    if (!record_primary(record, &part) || part.kind == RECORD_PLAIN)
        return SLICE("");
    while (policy_old_next(&rest, &whole))
        if (part.data.ptr >= whole.ptr && part.data.ptr <= whole.ptr + whole.len)
            return whole;
    return SLICE("");
}

void
policy_old_push(struct slice history, struct slice record, unsigned keep, struct strbuf *out)
{
    struct slice next = deciding_part(record);

    for (unsigned kept = 0; kept < keep; kept++) {
        if (next.len == 0 && !policy_old_next(&history, &next))
            return;
        if (out->len + 1 + next.len > out->max)
            return;
        if (out->len > 0)
            (void)strbuf_char(out, ' ');
        (void)strbuf_append(out, next);
        next = SLICE("");
    }
}
