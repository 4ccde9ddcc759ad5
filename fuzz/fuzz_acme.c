/*
 * fuzz/fuzz_acme.c - what a certificate authority sends: the first byte chooses what it is, the
 * rest is a JSON body, a chain, a record or a header field.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/acme/issued.h"
#include "lib/acme/pem.h"
#include "lib/acme/url.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char csr[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
                          "MIHxMIGZAgEAMBExDzANBgNVBAMMBmEudGVzdDBZMBMGByqGSM49AgEGCCqGSM49\n"
                          "-----END CERTIFICATE REQUEST-----\n";

/* What the child writes the other process has to be able to read. */
static void
read_back(const struct strbuf *record)
{
    struct acme_answer answer;

    if (record->len > 0)
        assert_always(acme_answer_parse(strbuf_slice(record), &answer) == 0);
}

static void
read_texts(struct slice text)
{
    struct acme_answer answer = {0};
    struct strbuf out = strbuf_new(ACME_BODY_MAX);
    struct slice rest = text, name = slice_split(&rest, ':');
    struct acme_url url;

    acme_answer_field(&answer, name, slice_trim(rest), 1);
    assert_always(answer.retry_after_ms >= 0);
    if (acme_url_parse(text, &url))
        assert_always(url.port > 0 && url.path[0] == '/');
    (void)acme_pem_base64url(text, &out);
    strbuf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_make(data + (size > 0), size - (size > 0));
    struct strbuf record = strbuf_new(ACME_RECORD_MAX);
    unsigned what = size > 0 ? data[0] % 16 : 0;
    struct acme_answer answer = {.http = what & 8 ? 403 : 200};

    if (size > ACME_BODY_MAX) {
        strbuf_free(&record);
        return 0;
    }
    if ((what & 7) < ACME_CHAIN) {
        acme_answer_read(&answer, (enum acme_kind)(what & 7), "http-01", body, &record);
        read_back(&record);
    } else if ((what & 7) == ACME_CHAIN) {
        acme_issued_read(&answer, body, SLICE(csr), 1, &record);
        read_back(&record);
    } else if ((what & 7) == ACME_CHAIN + 1) {
        (void)acme_answer_parse(body, &answer);
    } else {
        read_texts(body);
    }
    strbuf_free(&record);
    return 0;
}
