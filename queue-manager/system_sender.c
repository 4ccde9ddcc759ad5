/*
 * queue-manager/system_sender.c - the sender addresses of system messages, as accountd says.
 */
#include "queue-manager/system_sender.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd_senders.h"
#include "lib/mail/address.h"

#define ASK_EVERY_MS 10000
#define AWAY_MS 5000 /* until it is asked again when there was no answer */
#define ANSWER_MS 30000

struct system_senders {
    struct ipc_async *accountd;
    struct loop_timer *timer;
    struct map *addresses; /* domain in lower case -> address */
    uint64_t version;
};

static void
take(void *arg, struct slice domain, struct slice address)
{
    struct system_senders *s = arg;
    void **at = map_at(s->addresses, domain);

    if (at != NULL && *at == NULL)
        *at = xslicedup(address);
}

static void
take_all(struct system_senders *s, struct slice payload)
{
    struct map *before = s->addresses;
    struct accountd_senders head;

    s->addresses = map_new(ACCOUNTD_SENDERS_MAX);
    if (accountd_senders_reply_decode(payload, &head, take, s) < 0 || head.unchanged) {
        map_free(&s->addresses, free);
        s->addresses = before;
        return;
    }
    s->version = head.version;
    map_free(&before, free);
}

static void
answered(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct system_senders *s = arg;
    bool is_answer = header != NULL && header->type == ACCOUNTD_SENDERS_REPLY;

    close_keep_errno(fd);
    if (is_answer)
        take_all(s, payload);
    if (s->timer != NULL)
        loop_timer_set(s->timer, is_answer ? ASK_EVERY_MS : AWAY_MS);
}

static void
ask(void *arg)
{
    struct system_senders *s = arg;
    struct strbuf frame = strbuf_new(256);

    (void)accountd_senders_encode(&frame, s->version); /* it fits */
    ipc_async_call(s->accountd, &frame, ANSWER_MS, answered, s);
    strbuf_free(&frame);
}

struct system_senders *
system_senders_new(struct loop *loop, int run_dirfd)
{
    struct system_senders *s = xcalloc(1, sizeof(*s));

    s->addresses = map_new(ACCOUNTD_SENDERS_MAX);
    s->timer = loop_timer_new(loop, ask, s);
    s->accountd = ipc_async_new(loop, run_dirfd, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, 1);
    ask(s);
    return s;
}

void
system_senders_free(struct system_senders **sp)
{
    struct system_senders *s = *sp;

    if (s == NULL)
        return;
    loop_timer_free(&s->timer); /* it fails the question that is under way */
    ipc_async_free(&s->accountd);
    map_free(&s->addresses, free);
    xfree(sp);
}

struct slice
system_senders_find(const struct system_senders *s, struct slice to)
{
    size_t at = slice_rindex(to, '@');
    char domain[ADDRESS_DOMAIN_MAX];
    size_t len = at == to.len ? 0 : to.len - at - 1;

    if (s == NULL || len == 0 || len > sizeof(domain))
        return SLICE("");
    memcpy(domain, to.ptr + at + 1, len);
    for (size_t i = 0; i < len; i++)
        if (domain[i] >= 'A' && domain[i] <= 'Z')
            domain[i] = (char)(domain[i] | 0x20);
    return slice_of(map_get(s->addresses, slice_make(domain, len)));
}
