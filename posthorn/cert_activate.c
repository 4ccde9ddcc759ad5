/*
 * posthorn/cert_activate.c - puts a certificate in use, if the services can use it.
 *
 * Reads certificate and key, as root.
 */
#include "posthorn/cert_activate.h"

#include "lib/base/clock.h"
#include "lib/base/mem.h"

/* What the services would refuse, or clients. */
static int
check(const struct cert_place *place, const struct cert_entry *entry)
{
    struct strbuf error = strbuf_new(2048), key = strbuf_new(CERT_PEM_MAX);
    struct cert_chain *chain = NULL;
    int rc = cert_place_read(place, entry->key, &key);

    if (rc == CLI_OK) {
        chain = cert_chain_read(entry->crt, &error);
        if (chain == NULL || cert_chain_check(chain, clock_real_ms(), &error) < 0 ||
            cert_chain_check_key(chain, strbuf_slice(&key), entry->key, &error) < 0)
            rc = cli_fail(place->cli, "%s; nothing was changed", strbuf_cstr(&error));
    }
    if (key.ptr != NULL)
        mem_wipe(key.ptr, key.cap);
    strbuf_free(&key);
    strbuf_free(&error);
    cert_chain_free(&chain);
    return rc;
}

int
cert_activate_entry(struct cert_place *place, const struct cert_entry *entry, bool by_host)
{
    int rc;

    if (!entry->has_crt)
        return cli_fail(place->cli,
                        "'%s' is a request: the certificate that an authority made of "
                        "it is still to be imported",
                        entry->name);
    if (by_host && entry->csr == NULL)
        return cli_fail(place->cli, "'%s' is not in the list; import it", entry->name);
    rc = check(place, entry);
    if (rc != CLI_OK)
        return rc;
    return by_host ? cert_place_use_by_host(place, entry, true) : cert_place_use(place, entry);
}
