/*
 * fuzz/fuzz_socks.c - a SOCKS server's replies. The first byte chooses version, login and target.
 */
#include <netinet/in.h>
#include <stdint.h>

#include "lib/base/mem.h"
#include "lib/smtp/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 4 /* method, login, reply, the rest of it */ };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf out = strbuf_new(SOCKS_WRITE_MAX);
    uint8_t first = size > 0 ? data[0] : 0;
    size_t at = 1, steps = 0;
    struct socks_proxy proxy = {.version = first & 1 ? SOCKS_4 : SOCKS_5,
                                .user = first & 2 ? "user" : "",
                                .password = first & 4 ? "password" : ""};
    struct sockaddr_storage target = {.ss_family = first & 8 ? AF_INET6 : AF_INET};
    struct socks s;
    enum socks_step step = socks_begin(&s, &proxy, first & 16 ? NULL : &target, &out);

    while (step == SOCKS_SAY || step == SOCKS_READ) {
        uint8_t *piece;

        assert_always(s.wants > 0 && s.wants <= SOCKS_READ_MAX && ++steps <= STEPS_MAX);
        assert_always((step == SOCKS_SAY) == (out.len > 0) && !out.overflow);
        if (at + s.wants > size)
            break;
        piece = xmalloc(s.wants); /* of that size: no byte more may be looked at */
        memcpy(piece, data + at, s.wants);
        at += s.wants;
        strbuf_clear(&out);
        step = socks_take(&s, piece, &out);
        xfree(&piece);
    }
    assert_always((step == SOCKS_NO) == (s.why != NULL));
    strbuf_free(&out);
    return 0;
}
