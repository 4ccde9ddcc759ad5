/*
 * alertd/block_watch.c - follows accountd's list of blocks.
 *
 * accountd answers when there is something new; the question waits with it meanwhile. Of very many
 * blocks only as many are alerts as the table takes.
 */
#include "alertd/block_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/accountd_block.h"
#include "lib/ipc/peer.h"

enum { WAIT_MS = 600000, AGAIN_MS = 2000, BLOCK_ALERTS_MAX = 1000, TIME_MAX = 40 };

struct kept {
    char *name; /* of the alert */
    int64_t end_ms;
};

struct block_watch {
    struct alerts *alerts;
    struct ipc_async *accountd;
    struct loop_timer *again;
    uint64_t known;
    struct kept kept[BLOCK_ALERTS_MAX];
    size_t count;
    bool closing;
    void (*changed)(void *arg);
    void *arg;
};

static void ask(struct block_watch *w);

static const char *
scope_name(uint8_t kind)
{
    return kind == BLOCK_ADDRESS         ? "address"
           : kind == BLOCK_ADMIN_ADDRESS ? "administration"
           : kind == BLOCK_SENDING       ? "sending"
                                         : "user";
}

static char *
alert_name(const struct block *block)
{
    return xasprintf("block:%s:%.*s", scope_name(block->kind), (int)block->name.len,
                     block->name.ptr);
}

/* Who, why, how long, and how to lift it. */
static char *
describe(const struct block *block)
{
    struct strbuf until = strbuf_new(TIME_MAX);
    char *text;

    if (block->end_ms == BLOCK_FOREVER)
        (void)strbuf_str(&until, "lifted by hand");
    else
        (void)clock_rfc3339(block->end_ms, &until); /* it fits */
    text = xasprintf("%s%s%.*s; until %s; to lift it: posthorn block lift %.*s",
                     block_cause_text(block->cause), block->reason.len > 0 ? ": " : "",
                     (int)block->reason.len, block->reason.ptr, strbuf_cstr(&until),
                     (int)block->name.len, block->name.ptr);
    strbuf_free(&until);
    return text;
}

static void
forget(struct block_watch *w, size_t at, int64_t now)
{
    alerts_set(w->alerts, ALERT_BLOCK, w->kept[at].name, 0, "", now);
    free(w->kept[at].name);
    w->kept[at] = w->kept[--w->count];
}

static void
take_block(struct block_watch *w, const struct block *block, int64_t now)
{
    char *name = alert_name(block);
    size_t at = 0;

    while (at < w->count && strcmp(w->kept[at].name, name) != 0)
        at++;
    if (block->end_ms <= now) { /* lifted, or over */
        if (at < w->count)
            forget(w, at, now);
    } else if (at < BLOCK_ALERTS_MAX) {
        char *text = describe(block);

        if (at == w->count)
            w->kept[w->count++].name = xstrdup(name);
        w->kept[at].end_ms = block->end_ms;
        alerts_set(w->alerts, ALERT_BLOCK, name, 1, text, now);
        free(text);
    }
    free(name);
}

void
block_watch_look(struct block_watch *w, int64_t now_ms)
{
    for (size_t i = w->count; i > 0; i--)
        if (w->kept[i - 1].end_ms <= now_ms)
            forget(w, i - 1, now_ms);
}

static void
forget_names(struct block_watch *w)
{
    while (w->count > 0)
        free(w->kept[--w->count].name);
}

/* When the list begins anew, at our start or at accountd's, the table may have blocks that are not
 * any more: those are cleared when all that there is has been heard of. */
static void
take_all(struct block_watch *w, const struct accountd_blocks *blocks, int64_t now)
{
    if (blocks->anew) {
        forget_names(w);
        alerts_begin(w->alerts, ALERT_BLOCK);
    }
    for (uint32_t i = 0; i < blocks->count; i++)
        take_block(w, &blocks->items[i], now);
    if (blocks->count < ACCOUNTD_BLOCKS_MAX)
        alerts_end(w->alerts, ALERT_BLOCK, now);
    w->known = blocks->number;
}

static void
came(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct block *items = xcalloc(ACCOUNTD_BLOCKS_MAX, sizeof(*items));
    struct accountd_blocks blocks = {.items = items};
    struct block_watch *w = arg;
    bool good = header != NULL && header->type == ACCOUNTD_BLOCKS_REPLY &&
                accountd_blocks_reply_decode(payload, &blocks, items) == 0;

    close_keep_errno(fd); /* none is expected */
    if (good) {
        take_all(w, &blocks, clock_real_ms());
        w->changed(w->arg);
    }
    free(items);
    if (!w->closing && good)
        ask(w);
    else if (!w->closing)
        loop_timer_set(w->again, AGAIN_MS);
}

static void
ask(struct block_watch *w)
{
    struct strbuf request = strbuf_new(256);

    assert_always(accountd_blocks_encode(&request, w->known) == 0);
    ipc_async_call(w->accountd, &request, WAIT_MS, came, w);
    strbuf_free(&request);
}

static void
ask_again(void *arg)
{
    ask(arg);
}

struct block_watch *
block_watch_new(struct loop *loop, struct alerts *alerts, void (*changed)(void *arg), void *arg)
{
    struct block_watch *w = xcalloc(1, sizeof(*w));

    w->alerts = alerts;
    w->changed = changed;
    w->arg = arg;
    w->again = loop_timer_new(loop, ask_again, w);
    w->accountd = ipc_async_new(loop, AT_FDCWD, ACCOUNTD_SOCKET, ACCOUNTD_PAYLOAD_MAX, 1);
    ask(w);
    return w;
}

void
block_watch_free(struct block_watch **watchp)
{
    struct block_watch *w = *watchp;

    if (w == NULL)
        return;
    w->closing = true;
    ipc_async_free(&w->accountd);
    loop_timer_free(&w->again);
    forget_names(w);
    xfree(watchp);
}
