/*
 * filterd/client_name.c - PTR, then A or AAAA of what it says.
 *
 * Whoever owns the address block writes the name: one that is no host name is as good as none.
 */
#include "filterd/client_name.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/dnsd.h"
#include "lib/mail/address.h"

enum { QUESTION_MS = 5000, IP_TEXT_MAX = 64 };

struct client_name {
    struct ipc_async *dns;
    void (*found)(void *arg, struct slice name, struct slice reverse); /* NULL: cancelled */
    void *arg;
    struct address_ip ip;
    char reverse[DNSD_NAME_MAX + 1];
};

static void
end(struct client_name *lookup, struct slice name)
{
    if (lookup->found != NULL)
        lookup->found(lookup->arg, name, slice_of(lookup->reverse));
    free(lookup);
}

static bool
decode(const struct frame_header *header, struct slice payload, int fd, struct dnsd_answer *answer)
{
    close_keep_errno(fd); /* dnsd sends none */
    return header != NULL && header->type == DNSD_ANSWER &&
           dnsd_answer_decode(payload, answer) == 0 && answer->status == DNS_FOUND;
}

static void
addresses_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    static struct dnsd_answer answer; /* 10 KiB; callbacks run one at a time */
    struct client_name *lookup = arg;
    struct slice ip = slice_make(lookup->ip.bytes, lookup->ip.len);
    bool leads_back = false;

    if (decode(header, payload, fd, &answer))
        for (uint32_t i = 0; i < answer.count; i++)
            leads_back = leads_back || slice_eq(answer.records[i].data, ip);
    end(lookup, leads_back ? slice_of(lookup->reverse) : SLICE(""));
}

static void
ask(struct client_name *lookup, enum dns_rr rr, struct slice name,
    void (*done)(void *arg, const struct frame_header *header, struct slice payload, int fd))
{
    struct strbuf request = strbuf_new(DNSD_PAYLOAD_MAX + FRAME_HEADER);
    const struct dnsd_query query = {.rr = (uint16_t)rr, .name = name};

    (void)dnsd_query_encode(&request, &query); /* a name has at most 255 bytes: it fits */
    ipc_async_call(lookup->dns, &request, QUESTION_MS, done, lookup);
    strbuf_free(&request);
}

static void
name_came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    static struct dnsd_answer answer;
    struct client_name *lookup = arg;
    struct slice name;

    if (!decode(header, payload, fd, &answer)) {
        end(lookup, SLICE(""));
        return;
    }
    name = answer.records[0].data;
    if (name.len > DNSD_NAME_MAX || !address_is_domain(name, false)) {
        end(lookup, SLICE(""));
        return;
    }
    memcpy(lookup->reverse, name.ptr, name.len);
    lookup->reverse[name.len] = '\0';
    ask(lookup, lookup->ip.len == 4 ? DNS_A : DNS_AAAA, slice_of(lookup->reverse), addresses_came);
}

struct client_name *
client_name_find(struct ipc_async *dns, struct slice ip,
                 void (*found)(void *arg, struct slice name, struct slice reverse), void *arg)
{
    struct client_name *lookup = xcalloc(1, sizeof(*lookup));

    lookup->dns = dns;
    lookup->found = found;
    lookup->arg = arg;
    if (address_ip_parse(ip, &lookup->ip) < 0)
        lookup->ip.len = 4; /* no address: the question finds no name either */
    ask(lookup, DNS_PTR, ip, name_came);
    return lookup;
}

void
client_name_cancel(struct client_name **lookupp)
{
    if (*lookupp != NULL)
        (*lookupp)->found = NULL;
    *lookupp = NULL;
}
