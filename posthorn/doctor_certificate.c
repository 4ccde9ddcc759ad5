/*
 * posthorn/doctor_certificate.c - `doctor`: the certificates in use and their keys.
 *
 * Reads certificates and keys, as root; prints neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/tls_place.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"
#include "lib/tls/cert_use.h"
#include "posthorn/doctor.h"

#define DAY_MS INT64_C(86400000)

struct pair {
    struct doctor *d;
    char *certificate, *key; /* paths */
};

static void
check_key_mode(const struct pair *pair)
{
    struct stat st;

    if (stat(pair->key, &st) == 0 && (st.st_mode & 077) != 0)
        doctor_note(pair->d, DOCTOR_FAIL, "certificate",
                    "%s: the private key has mode %04o; it should be: chmod 0600 %s", pair->key,
                    st.st_mode & 07777, pair->key);
}

/* False, with what was found: the services can't use it. */
static bool
fits(const struct pair *pair, const struct cert_chain *chain, struct strbuf *error)
{
    struct strbuf key = strbuf_new(CERT_PEM_MAX);
    bool good = false;

    if (read_file(AT_FDCWD, pair->key, &key) < 0)
        (void)strbuf_printf(error, "%s: %s", pair->key, strerror(errno));
    else
        good = cert_chain_check_key(chain, strbuf_slice(&key), pair->key, error) == 0 &&
               cert_chain_check(chain, clock_real_ms(), error) == 0;
    if (key.ptr != NULL)
        mem_wipe(key.ptr, key.cap);
    strbuf_free(&key);
    return good;
}

static void
tell_time(const struct pair *pair, const struct cert_about *about)
{
    struct cert_use use = {pair->certificate, about->not_after_ms};
    struct strbuf text = strbuf_new(8192);

    if (cert_use_warning(&use, pair->d->conf, clock_real_ms(), &text))
        doctor_note(pair->d, DOCTOR_WARN, "certificate", "%s", strbuf_cstr(&text));
    else
        doctor_note(pair->d, DOCTOR_OK, "certificate", "%s: valid for %lld days", pair->certificate,
                    (long long)((about->not_after_ms - clock_real_ms()) / DAY_MS));
    strbuf_free(&text);
}

/* The one for every client has to be for the server's name. */
static void
judge(const struct pair *pair, const struct cert_chain *chain, bool for_all)
{
    const char *host = conf_str(pair->d->conf, SYSTEM_HOSTNAME);
    struct cert_about about = cert_chain_about(chain, 0);

    tell_time(pair, &about);
    if (for_all && !cert_chain_names(chain, host))
        doctor_note(pair->d, DOCTOR_WARN, "certificate", "%s: is not for %s (system.hostname)",
                    pair->certificate, host);
    if (about.self_signed)
        doctor_note(pair->d, DOCTOR_WARN, "certificate",
                    "%s: is self-signed: mail programs will ask whether to trust it",
                    pair->certificate);
    cert_about_free(&about);
}

static void
check_pair(struct pair *pair, bool for_all)
{
    struct strbuf error = strbuf_new(8192);
    struct cert_chain *chain = cert_chain_read(pair->certificate, &error);

    if (chain != NULL && fits(pair, chain, &error))
        judge(pair, chain, for_all);
    else
        doctor_note(pair->d, DOCTOR_FAIL, "certificate", "%s", strbuf_cstr(&error));
    check_key_mode(pair);
    cert_chain_free(&chain);
    strbuf_free(&error);
    free(pair->certificate);
    free(pair->key);
}

/* RFC 8996: TLS 1.0 and 1.1 must not be used. */
static void
warn_of_old_versions(struct doctor *d)
{
    struct strbuf labels = strbuf_new(1024);

    for (size_t i = 0; i < conf_list_count(d->conf, TLS_OLD_PORTS); i++)
        (void)strbuf_printf(&labels, "%s%s", i == 0 ? "" : " ",
                            conf_list_item(d->conf, TLS_OLD_PORTS, i));
    if (labels.len > 0)
        doctor_note(
            d, DOCTOR_WARN, "tls",
            "%s: TLS 1.0 and 1.1 are spoken, whose protection is weak (tls.old_ports); take "
            "a port out when its last old device has gone",
            strbuf_cstr(&labels));
    strbuf_free(&labels);
}

void
doctor_certificate(struct doctor *d)
{
    const struct instance *inst = &d->cli->inst;
    struct pair pair = {d, tls_place(d->conf, inst, TLS_CERTIFICATE),
                        tls_place(d->conf, inst, TLS_KEY)};

    check_pair(&pair, true);
    for (size_t i = 0; i < conf_list_count(d->conf, TLS_BY_HOST); i++) {
        const char *name = conf_list_item(d->conf, TLS_BY_HOST, i);

        pair = (struct pair){d, tls_place_listed(inst, name, "crt"),
                             tls_place_listed(inst, name, "key")};
        check_pair(&pair, false);
    }
    warn_of_old_versions(d);
}
