/*
 * authd/white_list.c - clients that are never blocked.
 *
 * Input: DNS answers, by way of dnsd: whoever controls a listed name says which addresses it has.
 */
#include "authd/white_list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/dnsd.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

enum {
    ADDRESSES_MAX = 32, /* of one name and family; more are not known */
    ANSWER_TIMEOUT_MS = 60000,
    RETRY_MS = 5000, /* dnsd could not tell: while the suite starts, for one; then twice as long */
    REQUEST_MAX = 512
};
#define CALLS_MAX (2 * CONF_LIST_MAX)

/* One name and family. */
struct question {
    struct white_list *list;
    const char *name;
    uint16_t rr;
    bool asked;
    int64_t due_ms, retry_ms; /* mono; how long after a failure */
    struct ip found[ADDRESSES_MAX];
    size_t count;
};

struct white_list {
    struct cidr *networks;
    size_t network_count;
    struct question *questions;
    size_t question_count;
    struct ipc_async *dns; /* NULL: no names */
    struct loop_timer *timer;
    int64_t interval_ms;
    void (*changed)(void *arg);
    void *arg;
};

static bool
is_address(const struct dns_record *record, uint16_t rr, struct ip *out)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (rr == DNS_AAAA && record->data.len == 16) {
        memcpy(out->bytes, record->data.ptr, 16);
        return true;
    }
    if (rr != DNS_A || record->data.len != 4)
        return false;
    memcpy(out->bytes, mapped, sizeof(mapped));
    memcpy(out->bytes + sizeof(mapped), record->data.ptr, 4);
    return true;
}

static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip));
}

/* In one order: servers of names turn theirs round with each answer. */
static void
learn(struct question *q, const struct dnsd_answer *answer)
{
    struct ip found[ADDRESSES_MAX] = {0};
    size_t count = 0;
    bool same;

    for (uint32_t i = 0; i < answer->count && answer->status == DNS_FOUND; i++)
        if (count < ADDRESSES_MAX && is_address(&answer->records[i], q->rr, &found[count]))
            count++;
    qsort(found, count, sizeof(found[0]), compare);
    same = count == q->count && memcmp(found, q->found, count * sizeof(found[0])) == 0;
    memcpy(q->found, found, count * sizeof(found[0]));
    q->count = count;
    if (!same)
        q->list->changed(q->list->arg);
    log_event(LOG_DEBUG, "white_list_resolved", KV_STR("name", q->name),
              KV_STR("type", q->rr == DNS_A ? "A" : "AAAA"), KV_U64("addresses", q->count));
}

/* For the one that is due first. */
static void
set_timer(struct white_list *list)
{
    int64_t now = clock_mono_ms(), first = list->interval_ms;

    for (size_t i = 0; i < list->question_count; i++) {
        const struct question *q = &list->questions[i];

        if (!q->asked && q->due_ms - now < first)
            first = q->due_ms - now;
    }
    loop_timer_set(list->timer, first < 0 ? 0 : first);
}

/* A name that nobody can resolve is asked for less and less often; what was known of it stays. */
static void
failed(struct question *q)
{
    log_event(LOG_INFO, "white_list_unresolved", KV_STR("name", q->name));
    if (q->retry_ms > q->list->interval_ms)
        q->retry_ms = q->list->interval_ms;
    q->due_ms = clock_mono_ms() + q->retry_ms;
    q->retry_ms *= 2;
}

static void
resolved(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct question *q = arg;
    struct dnsd_answer *answer = xcalloc(1, sizeof(*answer));

    close_keep_errno(fd);
    q->asked = false;
    if (header != NULL && header->type == DNSD_ANSWER && dnsd_answer_decode(payload, answer) == 0 &&
        answer->status != DNS_TEMPORARY) {
        learn(q, answer);
        q->retry_ms = RETRY_MS;
        q->due_ms = clock_mono_ms() + q->list->interval_ms;
    } else {
        failed(q);
    }
    set_timer(q->list);
    free(answer);
}

static void
ask_due(void *arg)
{
    struct white_list *list = arg;
    struct strbuf request = strbuf_new(REQUEST_MAX);
    int64_t now = clock_mono_ms();

    for (size_t i = 0; i < list->question_count; i++) {
        struct question *q = &list->questions[i];
        const struct dnsd_query query = {.rr = q->rr, .name = slice_of(q->name)};

        if (q->asked || q->due_ms > now || dnsd_query_encode(&request, &query) < 0)
            continue;
        q->asked = true;
        ipc_async_call(list->dns, &request, ANSWER_TIMEOUT_MS, resolved, q);
    }
    strbuf_free(&request);
    set_timer(list);
}

static void
add_entry(struct white_list *list, const char *item)
{
    static const uint16_t families[] = {DNS_A, DNS_AAAA};

    if (cidr_parse(slice_of(item), &list->networks[list->network_count]) == 0) {
        list->network_count++;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        list->questions[list->question_count++] =
            (struct question){.list = list, .name = item, .rr = families[i], .retry_ms = RETRY_MS};
}

struct white_list *
white_list_new(struct loop *loop, int run_dirfd, const struct conf *conf,
               void (*changed)(void *arg), void *arg)
{
    struct white_list *list = xcalloc(1, sizeof(*list));
    size_t count = conf_list_count(conf, GUESS_WHITE_LIST);

    list->changed = changed;
    list->arg = arg;
    list->interval_ms = (int64_t)conf_u64(conf, GUESS_RESOLVE_INTERVAL);
    list->networks = xcalloc(count + 1, sizeof(*list->networks));
    list->questions = xcalloc(2 * count + 1, sizeof(*list->questions));
    for (size_t i = 0; i < count; i++)
        add_entry(list, conf_list_item(conf, GUESS_WHITE_LIST, i));
    if (list->question_count > 0) {
        list->dns = ipc_async_new(loop, run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX, CALLS_MAX);
        list->timer = loop_timer_new(loop, ask_due, list);
        ask_due(list);
    }
    return list;
}

void
white_list_free(struct white_list **listp)
{
    struct white_list *list = *listp;

    if (list == NULL)
        return;
    if (list->dns != NULL)
        ipc_async_free(&list->dns); /* its answers still find their questions */
    loop_timer_free(&list->timer);
    free(list->networks);
    free(list->questions);
    xfree(listp);
}

bool
white_list_has(const struct white_list *list, const struct ip *ip)
{
    for (size_t i = 0; i < list->network_count; i++)
        if (cidr_has(&list->networks[i], ip))
            return true;
    for (size_t i = 0; i < list->question_count; i++)
        for (size_t j = 0; j < list->questions[i].count; j++)
            if (memcmp(&list->questions[i].found[j], ip, sizeof(*ip)) == 0)
                return true;
    return false;
}

bool
white_list_touches(const struct white_list *list, const struct cidr *net)
{
    for (size_t i = 0; i < list->network_count; i++)
        if (cidr_overlap(&list->networks[i], net))
            return true;
    for (size_t i = 0; i < list->question_count; i++)
        for (size_t j = 0; j < list->questions[i].count; j++)
            if (cidr_has(net, &list->questions[i].found[j]))
                return true;
    return false;
}
