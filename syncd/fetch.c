/*
 * syncd/fetch.c - reads a directory.
 *
 * Runs in a child: it asks dnsd for addresses and talks to one server. What that says is untrusted,
 * and taken apart here; the parent gets objects or a reason.
 */
#include "syncd/fetch.h"

#include <fcntl.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"
#include "lib/sync/fetch.h"

enum { WHY_MAX = 1000 };

static void
fail(struct strbuf *reply, const struct strbuf *why)
{
    strbuf_clear(reply);
    (void)strbuf_char(reply, FETCH_FAILED);
    (void)strbuf_append(reply, strbuf_slice(why)); /* a line fits */
}

void
fetch_do(const struct fetch *f, struct strbuf *reply)
{
    const struct external_method *server = &f->domain->source.server;
    struct ipc_client *dns = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    char *host = xslicedup(server->host);
    const struct outside_account *account = outside_accounts_find(f->options->accounts, host);
    struct dial_options dial = f->options->dial;
    struct sync_fetch fetch = {.source = &f->domain->source,
                               .users = true,
                               .groups = f->domain->with_groups,
                               .authorities = f->options->authorities,
                               .host = host,
                               .deadline_mono_ms = clock_mono_ms() + f->options->timeout_ms};
    struct strbuf why = strbuf_new(WHY_MAX);
    const char *trouble = "the host has no address that answers";
    int fd;

    if (account != NULL) {
        fetch.name = slice_of(account->name);
        fetch.password = slice_of(account->password);
    }
    dial.port = server->port;
    fd = dial_host(&dial, dns, host, fetch.deadline_mono_ms, &trouble);
    ipc_client_free(&dns);
    (void)strbuf_char(reply, FETCH_ALL);
    if (fd < 0)
        (void)strbuf_printf(&why, "%s: %s", host, trouble);
    if (fd < 0 || sync_fetch(&fetch, fd, reply, &why) < 0)
        fail(reply, &why);
    strbuf_free(&why);
    free(host);
}
