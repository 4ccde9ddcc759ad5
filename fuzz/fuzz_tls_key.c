/*
 * fuzz/fuzz_tls_key.c - questions to keyd for signatures of handshakes. What passes has one of the
 * forms: 64 spaces or the mark of a server that speaks TLS 1.3.
 */
// LINK: keyd/tls_form.c
#include <string.h>

#include "keyd/tls_form.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice datagram = slice_make((const char *)data, size);
    struct tls_key_answer answer;
    struct tls_key_ask ask;
    uint32_t id;

    if (tls_key_answer_decode(datagram, &id, &answer) == 0)
        assert_always(answer.signature.len <= TLS_KEY_SIGNATURE_MAX);
    if (tls_key_ask_decode(datagram, &id, &ask) < 0)
        return 0;
    assert_always(ask.key.len == TLS_KEY_ID && ask.content.len <= TLS_KEY_CONTENT_MAX);
    if (tls_form_is_handshake(ask.scheme, ask.content))
        assert_always(ask.content.len >= 64 &&
                      ((ask.content.ptr[0] == ' ' && !tls_form_is_old(ask.scheme)) ||
                       memcmp(ask.content.ptr + 56,
                              tls_form_is_old(ask.scheme) ? "DOWNGRD" : "DOWNGRD\1", 8) == 0));
    return 0;
}
