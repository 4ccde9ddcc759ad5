/*
 * posthorn/doctor_ask.c - the doctor's questions to the DNS, by way of dnsd.
 *
 * Answers were written by whoever owns the names: they are compared and shown.
 */
#include "posthorn/doctor_ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/client.h"

enum { ALL_TIMEOUT_MS = 10000, CONNECT_TIMEOUT_MS = 2000, SHOWN_MAX = 300 };

bool
asker_open(struct asker *a, struct doctor *d, const char *domain)
{
    int run_dirfd = open(d->cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool connected;

    *a = (struct asker){.d = d,
                        .domain = domain,
                        .host = conf_str(d->conf, SYSTEM_HOSTNAME),
                        .deadline_ms = clock_mono_ms() + ALL_TIMEOUT_MS};
    a->client = ipc_client_new(run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    a->answer = xcalloc(1, sizeof(*a->answer));
    connected = ipc_client_connect(a->client, CONNECT_TIMEOUT_MS) == 0;
    if (!connected)
        doctor_note(d, DOCTOR_FAIL, "dns", "dnsd cannot be asked: %s; start it: posthorn start",
                    strerror(errno));
    close_keep_errno(run_dirfd);
    return connected;
}

void
asker_close(struct asker *a)
{
    if (a->not_asked > 0)
        doctor_note(a->d, DOCTOR_FAIL, "dns",
                    "name servers do not answer: after %d s the other %u questions were not asked; "
                    "which servers those are says dns.servers, what happened 'posthorn log dns'",
                    ALL_TIMEOUT_MS / 1000, a->not_asked);
    ipc_client_free(&a->client);
    xfree(&a->answer);
}

bool
asker_ask(struct asker *a, uint16_t rr, const char *name, const char *check)
{
    int64_t left_ms = a->deadline_ms - clock_mono_ms();

    if (left_ms <= 0) {
        *a->answer = (struct dnsd_answer){.status = DNS_TEMPORARY};
        a->not_asked++;
        return false;
    }
    dnsd_call(a->client, rr, slice_of(name), (int)left_ms, a->answer);
    if (a->answer->status == DNS_TEMPORARY)
        doctor_note(a->d, DOCTOR_FAIL, check, "%s: no answer from the DNS%s", name,
                    a->answer->bogus ? ": its DNSSEC signatures are wrong" : "");
    return a->answer->status == DNS_FOUND && a->answer->count > 0;
}

bool
asker_same_name(struct slice a, const char *b)
{
    if (a.len > 0 && a.ptr[a.len - 1] == '.')
        a.len--;
    return slice_eq_nocase(a, slice_of(b));
}

void
asker_list(const struct asker *a, struct strbuf *out)
{
    for (uint32_t i = 0; i < a->answer->count; i++) {
        (void)strbuf_str(out, i == 0 ? "" : ", "); /* what does not fit is left out */
        (void)strbuf_append(out, slice_sub(a->answer->records[i].data, 0, SHOWN_MAX));
    }
}

bool
asker_address(const struct asker *a, uint32_t i, char out[INET6_ADDRSTRLEN])
{
    struct slice data = a->answer->records[i].data;

    if (data.len != sizeof(struct in_addr) && data.len != sizeof(struct in6_addr))
        return false;
    return inet_ntop(data.len == sizeof(struct in_addr) ? AF_INET : AF_INET6, data.ptr, out,
                     INET6_ADDRSTRLEN) != NULL;
}
