/*
 * imapd/url_news.c - tells the client that the access key of its selected mailbox is another one.
 */
#include "imapd/url_news.h"

#include "lib/base/mem.h"
#include "lib/store/watch.h"

static bool
has_keys(const struct session *s)
{
    return s->mailbox != NULL && s->mailbox_store == s->store;
}

void
url_news_begin(struct session *s)
{
    struct mailbox_info info;

    if (!has_keys(s))
        return;
    mailbox_get_info(s->mailbox, &info);
    url_keys_see(s->store, info.mailbox_id, &s->url_keys);
}

void
url_news_end(struct session *s)
{
    mem_wipe(&s->url_keys, sizeof(s->url_keys));
}

void
url_news_send(struct session *s)
{
    if (has_keys(s) && url_keys_were_reset(s->store, &s->url_keys))
        (void)stream_write(s->stream, /* an error sticks to the stream */
                           SLICE("* OK [URLMECH INTERNAL] URLs authorized before are void\r\n"));
}

int
url_news_watch(const struct session *s, struct watch *w)
{
    return has_keys(s) ? watch_list(w, s->store) : -1; /* the file is beside INBOX */
}
