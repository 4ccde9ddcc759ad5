/*
 * authd/means.c - what proves who a user is besides the password record. No I/O.
 */
#include "authd/means.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/code.h"
#include "lib/base/cidr.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

int
means_set(struct means *means, struct slice reply)
{
    struct accountd_means said;

    means_clear(means);
    means->bytes = xslicedup(reply);
    means->len = reply.len;
    if (accountd_means_reply_decode(slice_make(means->bytes, means->len), &said, means->codes) <
            0 ||
        !said.known)
        return -1;
    means->no_mail_password = !said.mail_password;
    means->is_external = said.is_external;
    means->external = said.external;
    means->oauth = said.oauth;
    means->code_count = said.code_count;
    return 0;
}

void
means_clear(struct means *means)
{
    if (means->bytes != NULL)
        mem_wipe(means->bytes, means->len);
    free(means->bytes);
    *means = (struct means){.bytes = NULL};
}

/* ---- scope ---- */

static bool
has_word(struct slice list, const char *word)
{
    while (list.len > 0)
        if (slice_eq(slice_split(&list, ' '), slice_of(word)))
            return true;
    return false;
}

static bool
has_address(struct slice list, const char *client_ip)
{
    struct cidr net, client;

    if (list.len == 0)
        return true;
    if (cidr_parse(slice_of(client_ip), &client) < 0)
        return false;
    while (list.len > 0)
        if (cidr_parse(slice_split(&list, ' '), &net) == 0 && cidr_has(&net, &client.net))
            return true;
    return false;
}

static bool
has_expired(struct slice last_day, int64_t now_ms)
{
    struct strbuf now = strbuf_new(64);
    bool expired;

    (void)clock_rfc3339(now_ms, &now);
    expired =
        last_day.len > 0 && slice_cmp(slice_sub(strbuf_slice(&now), 0, last_day.len), last_day) > 0;
    strbuf_free(&now);
    return expired;
}

static bool
fits_place(const struct accountd_code *code, const struct means_place *place)
{
    return has_word(code->services, place->service) &&
           has_address(code->addresses, place->client_ip) &&
           !has_expired(code->expires, place->now_ms);
}

/* ---- codes ---- */

const struct accountd_code *
means_code(const struct means *means, struct slice password, const struct means_place *place,
           bool *in_scope)
{
    const struct accountd_code *found = NULL;
    char letters[CODE_LETTERS + 1];

    if (means->code_count == 0 || code_letters(password, letters) < 0)
        return NULL;
    for (uint32_t i = 0; i < means->code_count; i++)
        if (code_fits(means->codes[i].record, letters))
            found = &means->codes[i];
    mem_wipe(letters, sizeof(letters));
    *in_scope = found != NULL && fits_place(found, place);
    return found;
}

const struct accountd_code *
means_code_by_id(const struct means *means, struct slice id)
{
    for (uint32_t i = 0; i < means->code_count; i++)
        if (slice_eq(means->codes[i].id, id))
            return &means->codes[i];
    return NULL;
}

static bool
same_salt(const struct password_scram *a, const struct password_scram *b)
{
    return a->iterations == b->iterations && a->salt_len == b->salt_len &&
           memcmp(a->salt, b->salt, a->salt_len) == 0;
}

size_t
means_scram_keys(const struct means *means, struct slice record, enum digest digest,
                 const struct means_place *place, struct password_scram keys[MEANS_KEYS_MAX],
                 const struct accountd_code *codes[MEANS_KEYS_MAX])
{
    size_t count = 0;

    if (!means->no_mail_password && !means->is_external &&
        password_scram_find(record, digest, &keys[0]) == 0)
        codes[count++] = NULL;
    for (uint32_t i = 0; i < means->code_count; i++) {
        if (!fits_place(&means->codes[i], place) ||
            password_scram_find(means->codes[i].record, digest, &keys[count]) < 0 ||
            (count > 0 && !same_salt(&keys[0], &keys[count])))
            continue;
        codes[count++] = &means->codes[i];
    }
    return count;
}
