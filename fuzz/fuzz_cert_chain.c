/*
 * fuzz/fuzz_cert_chain.c - certificate and request files from anybody. What they say can stand in a
 * line, and a refusal has its reason.
 */
#include "lib/base/mem.h"
#include "lib/tls/cert_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_about(struct cert_about *about)
{
    for (const char *c = about->hosts; *c != '\0'; c++)
        assert_always(*c >= ' ' && *c < 0x7f);
    for (const char *c = about->subject; *c != '\0'; c++)
        assert_always((unsigned char)*c >= ' ');
    cert_about_free(about);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct strbuf error = strbuf_new(8192);
    struct cert_chain *chain = cert_chain_parse(text, "file", &error);
    struct cert_about about;

    assert_always((chain == NULL) == (error.len > 0));
    if (chain != NULL) {
        for (size_t i = 0; i < cert_chain_count(chain); i++) {
            about = cert_chain_about(chain, i);
            check_about(&about);
        }
        assert_always((cert_chain_check(chain, 1700000000000, &error) < 0) == (error.len > 0));
        (void)cert_chain_names(chain, "mail.d.test");
    }
    cert_chain_free(&chain);
    strbuf_clear(&error);
    if (cert_about_request(text, "file", &about, &error) == 0)
        check_about(&about);
    strbuf_free(&error);
    return 0;
}
