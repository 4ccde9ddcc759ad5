/*
 * lib/tls/cert_use.c - the certificates in use, and how long they are good for. Reads them by path.
 */
#include "lib/tls/cert_use.h"

#include <stdlib.h>

#include "lib/conf/tls_place.h"
#include "lib/tls/cert_chain.h"

#define DAY_MS INT64_C(86400000)

static int64_t
earliest_end(const struct cert_chain *chain)
{
    int64_t end = 0;

    for (size_t i = 0; i < cert_chain_count(chain); i++) {
        struct cert_about about = cert_chain_about(chain, i);

        if (i == 0 || about.not_after_ms < end)
            end = about.not_after_ms;
        cert_about_free(&about);
    }
    return end;
}

static void
add(struct cert_uses *uses, char *path)
{
    struct strbuf error = strbuf_new(1024);
    struct cert_chain *chain = cert_chain_read(path, &error);

    uses->items[uses->count++] = (struct cert_use){path, chain == NULL ? 0 : earliest_end(chain)};
    cert_chain_free(&chain);
    strbuf_free(&error);
}

void
cert_uses_read(struct cert_uses *uses, const struct conf *conf, const struct instance *inst)
{
    uses->count = 0;
    add(uses, tls_place(conf, inst, TLS_CERTIFICATE));
    for (size_t i = 0; i < conf_list_count(conf, TLS_BY_HOST) && uses->count < CERT_USE_MAX; i++)
        add(uses, tls_place_listed(inst, conf_list_item(conf, TLS_BY_HOST, i), "crt"));
}

void
cert_uses_free(struct cert_uses *uses)
{
    for (size_t i = 0; i < uses->count; i++)
        free(uses->items[i].path);
    uses->count = 0;
}

bool
cert_use_warning(const struct cert_use *use, const struct conf *conf, int64_t now_ms,
                 struct strbuf *out)
{
    int64_t left = use->not_after_ms - now_ms;

    if (use->not_after_ms == 0 || left > (int64_t)conf_u64(conf, TLS_EXPIRY_WARNING))
        return false;
    if (left < 0)
        (void)strbuf_printf(out, "%s: expired %lld days ago", use->path,
                            (long long)(-left / DAY_MS));
    else
        (void)strbuf_printf(out, "%s: expires in %lld days", use->path, (long long)(left / DAY_MS));
    return true;
}
