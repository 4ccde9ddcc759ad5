/*
 * lib/mail/imap_url_token.c - the token of an authorized URL.
 *
 * Input:  the token, from anywhere. Untrusted.
 */
#include "lib/mail/imap_url_token.h"

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"

#define ALGORITHM '1' /* HMAC-SHA-256 */

enum { CODE_SIZE = 32 };

void
imap_url_sign(const uint8_t key[IMAP_URL_KEY_SIZE], struct slice rump,
              char out[IMAP_URL_TOKEN_SIZE])
{
    struct strbuf text = strbuf_new(IMAP_URL_TOKEN_SIZE);
    uint8_t code[CODE_SIZE];

    digest_hmac(DIGEST_SHA256, slice_make(key, IMAP_URL_KEY_SIZE), rump, code);
    (void)strbuf_char(&text, ALGORITHM);
    assert_always(hex_encode(slice_make(code, sizeof(code)), &text) &&
                  text.len == IMAP_URL_TOKEN_SIZE - 1);
    memcpy(out, strbuf_cstr(&text), IMAP_URL_TOKEN_SIZE);
    strbuf_free(&text);
}

bool
imap_url_token_matches(const uint8_t key[IMAP_URL_KEY_SIZE], struct slice rump, struct slice token)
{
    struct strbuf given = strbuf_new(CODE_SIZE);
    uint8_t code[CODE_SIZE];
    bool matches;

    digest_hmac(DIGEST_SHA256, slice_make(key, IMAP_URL_KEY_SIZE), rump, code);
    matches = token.len == IMAP_URL_TOKEN_SIZE - 1 && token.ptr[0] == ALGORITHM &&
              hex_decode(slice_sub(token, 1, token.len), &given) == 0 &&
              digest_equal(strbuf_slice(&given), slice_make(code, sizeof(code)));
    strbuf_free(&given);
    return matches;
}
