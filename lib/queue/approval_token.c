/*
 * lib/queue/approval_token.c - signed decisions. Input: an address from the network. No I/O.
 */
#include "lib/queue/approval_token.h"

#include <stdio.h>
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/parse.h"
#include "lib/queue/queue_file.h"

#define MAC_BYTES 16
#define MAC_CHARS 22 /* 128 bits in base64 without padding */
#define EXPIRES_CHARS 8
#define SIGNED_FOR "posthorn approval\n" /* the key signs nothing else, today */

static void
sign(struct slice text, const char key[APPROVAL_KEY_SIZE], char out[MAC_CHARS + 1])
{
    unsigned char mac[DIGEST_MAX];
    struct strbuf data = strbuf_new(sizeof(SIGNED_FOR) + APPROVAL_TOKEN_MAX);
    struct strbuf base64 = strbuf_new(MAC_CHARS + 2);

    (void)strbuf_str(&data, SIGNED_FOR); /* both fit */
    (void)strbuf_append(&data, text);
    digest_hmac(DIGEST_SHA256, slice_make(key, APPROVAL_KEY_SIZE), strbuf_slice(&data), mac);
    (void)base64_encode(slice_make((const char *)mac, MAC_BYTES), &base64);
    for (size_t i = 0; i < MAC_CHARS; i++)
        out[i] = base64.ptr[i] == '+' ? '-' : base64.ptr[i] == '/' ? '_' : base64.ptr[i];
    out[MAC_CHARS] = '\0';
    strbuf_free(&data);
    strbuf_free(&base64);
}

int
approval_token_make(const struct approval_token *token, const char key[APPROVAL_KEY_SIZE],
                    char out[APPROVAL_TOKEN_MAX + 1])
{
    int len = snprintf(out, APPROVAL_TOKEN_MAX + 1, "%s.%s.%u.%08llx",
                       token->approve ? "approve" : "refuse", token->id, token->approver,
                       (unsigned long long)token->expires_s);

    if (len < 0 || len + 1 + MAC_CHARS > APPROVAL_TOKEN_MAX)
        return -1;
    out[len] = '.';
    sign(slice_make(out, (size_t)len), key, out + len + 1);
    return 0;
}

static bool
is_mac(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            c != '-' && c != '_')
            return false;
    }
    return text.len == MAC_CHARS;
}

/* Lower case, so that one token has one text. */
static bool
parse_expires(struct slice text, int64_t *out)
{
    *out = 0;
    if (text.len != EXPIRES_CHARS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = hex_value(text.ptr[i]);

        if (value < 0 || (text.ptr[i] >= 'A' && text.ptr[i] <= 'F'))
            return false;
        *out = *out << 4 | value;
    }
    return true;
}

int
approval_token_parse(struct slice text, struct approval_token *token)
{
    struct slice rest = text, verdict = slice_split(&rest, '.'), id = slice_split(&rest, '.'),
                 approver = slice_split(&rest, '.'), expires = slice_split(&rest, '.');
    uint64_t number;

    if (text.len > APPROVAL_TOKEN_MAX || !queue_id_valid(id) || !is_mac(rest))
        return -1;
    token->approve = slice_eq(verdict, SLICE("approve"));
    if (!token->approve && !slice_eq(verdict, SLICE("refuse")))
        return -1;
    if (approver.len == 0 || approver.len > 2 || (approver.len == 2 && approver.ptr[0] == '0') ||
        parse_u64(approver, 99, &number) < 0 || !parse_expires(expires, &token->expires_s))
        return -1;
    token->approver = (unsigned)number;
    (void)snprintf(token->id, sizeof(token->id), "%.*s", (int)id.len, id.ptr);
    return 0;
}

bool
approval_token_is_genuine(struct slice text, const char key[APPROVAL_KEY_SIZE])
{
    size_t dot = slice_rindex(text, '.');
    char mac[MAC_CHARS + 1];

    if (text.len < MAC_CHARS || dot != text.len - MAC_CHARS - 1)
        return false;
    sign(slice_sub(text, 0, dot), key, mac);
    return digest_equal(slice_sub(text, dot + 1, text.len), slice_make(mac, MAC_CHARS));
}

bool
approval_token_in_address(struct slice address, const char *hostname, struct slice *text)
{
    size_t at = slice_rindex(address, '@');
    struct approval_token token;

    if (at >= address.len ||
        !slice_eq_nocase(slice_sub(address, at + 1, address.len), slice_of(hostname)))
        return false;
    *text = slice_sub(address, 0, at);
    return approval_token_parse(*text, &token) == 0;
}
