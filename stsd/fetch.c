/*
 * stsd/fetch.c - fetches one policy from the Internet.
 *
 * Runs in a child: it asks dnsd for addresses and talks to one server over HTTPS. What the server
 * sends is parsed by nobody here beyond HTTP; the parent takes it for as untrusted as it is.
 */
#include "stsd/fetch.h"

#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/ipc/client.h"
#include "lib/tls/https.h"

#define PATH "/.well-known/mta-sts.txt"
#define HOST_MAX (DNSD_NAME_MAX + 16)

enum { TIME_MS = 20000 }; /* below the time for all look-ups of a delivery */

void
fetch_run(void *arg, struct strbuf *reply)
{
    const struct fetch *f = arg;
    struct ipc_client *dns = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    char host[HOST_MAX];
    struct https_target target = {.ctx = f->options->authorities,
                                  .host = host,
                                  .path = PATH,
                                  .deadline_mono_ms = clock_mono_ms() + TIME_MS};
    const char *trouble = NULL;
    bool distrusted = false;

    (void)snprintf(host, sizeof(host), "mta-sts.%s", f->domain); /* RFC 8461 section 3.2 */
    target.fd = dial_host(&f->options->web, dns, host, target.deadline_mono_ms, &trouble);
    ipc_client_free(&dns);
    (void)strbuf_char(reply, FETCH_POLICY);
    if (trouble == NULL)
        trouble = https_get(&target, reply, &distrusted);
    if (trouble == NULL)
        return;
    strbuf_clear(reply);
    (void)strbuf_printf(reply, "%c%s", distrusted ? FETCH_DISTRUSTED : FETCH_FAILED, trouble);
}
