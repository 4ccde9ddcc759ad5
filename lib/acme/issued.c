/*
 * lib/acme/issued.c - checks an issued chain. Runs where nothing else is: the chain is the
 * server's.
 */
#include "lib/acme/issued.h"

#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

static void
take(struct acme_answer *answer, const struct cert_chain *chain, const struct cert_about *about,
     struct strbuf *pem, struct strbuf *id)
{
    if (cert_chain_pem(chain, pem) < 0) {
        answer->text[ACME_TROUBLE] = SLICE("the chain is too long");
        return;
    }
    (void)cert_chain_renewal_id(chain, id); /* "": it has none */
    answer->start_ms = about->not_before_ms;
    answer->end_ms = about->not_after_ms;
    answer->text[ACME_PEM] = strbuf_slice(pem);
    answer->text[ACME_CERT_ID] = strbuf_slice(id);
    answer->text[ACME_SERIAL] = slice_of(about->serial);
}

void
acme_issued_read(struct acme_answer *answer, struct slice pem, struct slice csr, int64_t now_ms,
                 struct strbuf *record)
{
    struct strbuf error = strbuf_new((size_t)2 * ACME_WORDS_MAX);
    struct strbuf tame = strbuf_new(ACME_WORDS_MAX);
    struct strbuf text = strbuf_new(CERT_PEM_MAX), id = strbuf_new(ACME_WORDS_MAX);
    struct cert_chain *chain = cert_chain_parse(pem, "the issued chain", &error);
    struct cert_about about = {0};

    if (chain != NULL && cert_chain_check(chain, now_ms, &error) == 0 &&
        cert_chain_check_request(chain, csr, &error) == 0) {
        about = cert_chain_about(chain, 0);
        take(answer, chain, &about, &text, &id);
    } else {
        acme_answer_tame(strbuf_slice(&error), &tame);
        answer->text[ACME_TROUBLE] = strbuf_slice(&tame);
    }
    if (acme_answer_write(answer, record) < 0)
        strbuf_clear(record);
    cert_about_free(&about);
    cert_chain_free(&chain);
    strbuf_free(&error);
    strbuf_free(&tame);
    strbuf_free(&text);
    strbuf_free(&id);
}
