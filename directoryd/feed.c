/*
 * directoryd/feed.c - asks accountd for all contacts, then for each change (lib/ipc/contacts.h).
 *
 * While everything is read again the old contacts are still there for who searches.
 */
#include "directoryd/feed.h"

#include "directoryd/intake.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/contacts.h"
#include "lib/log/log.h"

enum { WATCH_TIMEOUT_MS = 3600 * 1000, RETRY_MS = 500, REQUEST_MAX = 4096 };

struct feed {
    struct loop *loop;
    struct ipc_async *accounts;
    void (*came)(void *arg);
    void *arg;
    struct loop_timer *retry;
    struct book book;
    bool is_whole;
    struct book coming; /* pages of everything; empty when none are read */
    bool is_reading;
    uint64_t known, coming_known;
    struct strbuf cursor;
};

static void ask(void *arg);

static void
stop_reading(struct feed *feed)
{
    if (feed->is_reading)
        book_free(&feed->coming);
    feed->is_reading = false;
    strbuf_clear(&feed->cursor);
}

/* A page of everything. */
static void
take_page(struct feed *feed, const struct contacts_reply *reply)
{
    if (feed->cursor.len == 0) {
        stop_reading(feed);
        feed->coming = book_new();
        feed->is_reading = true;
        feed->coming_known = reply->number;
    }
    if (!feed->is_reading)
        return; /* not asked for */
    intake(&feed->coming, reply->data);
    strbuf_clear(&feed->cursor);
    (void)strbuf_append(&feed->cursor, reply->cursor); /* the decoder's limit is the buffer's */
    if (feed->cursor.len > 0)
        return;
    if (feed->is_whole)
        book_free(&feed->book);
    feed->book = feed->coming;
    feed->is_whole = true;
    feed->is_reading = false;
    feed->known = feed->coming_known;
    log_event(LOG_INFO, "contacts_read", KV_U64("contacts", store_live(feed->book.store)));
}

static void
take_changes(struct feed *feed, const struct contacts_reply *reply)
{
    if (!feed->is_whole)
        return;
    intake(&feed->book, reply->data);
    feed->known = reply->number;
    book_tidy(&feed->book);
}

static void
told(void *arg, const struct frame_header *header, struct slice payload, int fd)
{
    struct feed *feed = arg;
    struct contacts_reply reply;

    close_keep_errno(fd);
    if (header == NULL || header->type != ACCOUNTD_CONTACTS_REPLY ||
        contacts_reply_decode(payload, &reply) < 0) {
        stop_reading(feed); /* the pages of another accountd do not fit these */
        loop_timer_set(feed->retry, RETRY_MS);
        return;
    }
    if (reply.everything)
        take_page(feed, &reply);
    else
        take_changes(feed, &reply);
    ask(feed);
    feed->came(feed->arg);
}

static void
ask(void *arg)
{
    struct feed *feed = arg;
    struct strbuf request = strbuf_new(REQUEST_MAX);
    const struct contacts_query query = {feed->is_whole ? feed->known : 0,
                                         strbuf_slice(&feed->cursor)};

    assert_always(contacts_query_encode(&request, &query) == 0);
    ipc_async_call(feed->accounts, &request, WATCH_TIMEOUT_MS, told, feed);
    strbuf_free(&request);
}

struct feed *
feed_new(struct loop *loop, struct ipc_async *accounts, void (*came)(void *arg), void *arg)
{
    struct feed *feed = xcalloc(1, sizeof(*feed));

    feed->loop = loop;
    feed->accounts = accounts;
    feed->came = came;
    feed->arg = arg;
    feed->cursor = strbuf_new(CONTACTS_CURSOR_MAX);
    feed->retry = loop_timer_new(loop, ask, feed);
    ask(feed);
    return feed;
}

void
feed_free(struct feed **feedp)
{
    struct feed *feed = *feedp;

    if (feed == NULL)
        return;
    stop_reading(feed);
    if (feed->is_whole)
        book_free(&feed->book);
    loop_timer_free(&feed->retry);
    strbuf_free(&feed->cursor);
    xfree(feedp);
}

const struct book *
feed_book(const struct feed *feed)
{
    return feed->is_whole ? &feed->book : NULL;
}

uint64_t
feed_known(const struct feed *feed)
{
    return feed->known;
}
