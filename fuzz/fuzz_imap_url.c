/*
 * fuzz/fuzz_imap_url.c - URLs of messages: what they say, their sections, their tokens.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/imap_url.h"
#include "lib/mail/imap_url_token.h"
#include "lib/mail/section_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE                                                                                    \
    "From: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n"        \
    "Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\ntwo\r\n--b--\r\n"

/* What is found is part of the message, or made of its header. */
static void
check_section(struct slice text)
{
    struct strbuf fields = strbuf_new(MIME_HEADER_MAX + 2);
    struct section_text section;
    struct slice found;

    if (section_text_parse(text, &section) == 0 &&
        section_text_find(&section, SLICE(MESSAGE), &fields, &found))
        assert_always(found.len <= sizeof(MESSAGE));
    strbuf_free(&fields);
}

/* What is signed is a beginning of the text, and the token that we give is one that we take. */
static void
check_token(struct slice text, const struct imap_url *url)
{
    static const uint8_t key[IMAP_URL_KEY_SIZE];
    char token[IMAP_URL_TOKEN_SIZE];
    struct strbuf full = strbuf_new(text.len + IMAP_URL_TOKEN_SIZE + 20);
    struct imap_url again;

    assert_always(slice_starts(text, url->rump) && url->rump.len > 0);
    imap_url_sign(key, url->rump, token);
    (void)strbuf_append(&full, url->rump);
    (void)strbuf_printf(&full, ":internal:%s", token);
    if (imap_url_parse(strbuf_slice(&full), &again) == 0) {
        assert_always(slice_eq(again.rump, url->rump) && again.access == url->access &&
                      slice_eq(again.access_user, url->access_user) &&
                      imap_url_token_matches(key, again.rump, again.token));
    } else {
        assert_always(full.len > IMAP_URL_MAX);
    }
    imap_url_free(&again);
    strbuf_free(&full);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct imap_url url;

    check_section(text);
    if (imap_url_parse(text, &url) == 0) {
        assert_always(url.uid != 0 && url.mailbox.len > 0 &&
                      url.user.len + url.host.len + url.mailbox.len + url.section.len +
                              url.access_user.len <=
                          size);
        check_section(url.section);
        if (url.access != IMAP_URL_ACCESS_NONE)
            check_token(text, &url);
    }
    imap_url_free(&url);
    return 0;
}
